//! How API structs are declared.

/// Declares structs of the API: every field optional on reading and left out on writing when empty, names in
/// camelCase, unknown fields refused.
macro_rules! wire {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident { $( $(#[$field_meta:meta])* pub $field:ident : $type:ty, )* }
    )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "crate::types::wire::is_empty")]
                pub $field: $type,
            )*
        }
    )* };
}

/// Whether a field says nothing (Go's `omitempty`, where every optional scalar of the API has its zero value as default).
pub(in crate::types) fn is_empty<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
