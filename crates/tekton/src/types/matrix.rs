//! Fan-out of a pipeline task.

use super::param::Param;

wire! {
    /// The combinations a pipeline task runs with.
    pub struct Matrix {
        /// Array parameters; every combination of their elements is one run, the first varying fastest.
        pub params: Vec<Param>,
        /// Extra parameters for matching combinations, or extra combinations.
        pub include: Vec<IncludeParams>,
    }

    /// One entry of `include`.
    pub struct IncludeParams {
        /// A name for people.
        pub name: String,
        /// String parameters.
        pub params: Vec<Param>,
    }
}
