//! How much a layer may be.

/// Bounds for one layer. Generous: they stop bombs, not images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the uncompressed tar, which is also all that it can write.
    pub bytes: u64,
    /// Entries. Each costs an inode and some memory.
    pub entries: u64,
    /// Bytes of a path.
    pub path: usize,
    /// Components of a path.
    pub depth: usize,
    /// Bytes of all directories' paths together, which are kept in memory until the end.
    pub directory_paths: usize,
}

impl Default for Limits {
    /// 64 GiB, 4 million entries, paths of 4095 bytes (the kernel's limit) and 256 components.
    fn default() -> Self {
        Self { bytes: 64 << 30, entries: 4_000_000, path: 4095, depth: 256, directory_paths: 128 << 20 }
    }
}
