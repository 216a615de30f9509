//! How large and deep a text may be.
//!
//! The API server takes objects of at most 3 MiB; these bounds are far above what any real file needs and far below
//! what would hurt a small machine.

/// Bytes of one text.
pub const TEXT: usize = 16 << 20;
/// Nodes of all documents of one text.
pub const NODES: usize = 500_000;
/// What anchors keep and aliases add: nodes, plus one for every 64 bytes of their texts.
pub const COPIED: usize = 100_000;
/// Sequences and mappings inside each other.
pub const DEPTH: usize = 100;
/// Problems that are reported; a text with more is not worth reading on.
pub const PROBLEMS: usize = 100;
