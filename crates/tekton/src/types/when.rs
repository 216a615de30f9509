//! Guards on steps and pipeline tasks.

wire! {
    /// Holds when `input` is (`in`) or is not (`notin`) among `values`, or when `cel` is true.
    pub struct WhenExpression {
        /// The text that is looked for.
        pub input: String,
        /// `in` or `notin`; anything else is refused by validation.
        pub operator: String,
        /// The texts to look in.
        pub values: Vec<String>,
        /// A CEL expression instead of the three above (alpha).
        pub cel: String,
    }
}
