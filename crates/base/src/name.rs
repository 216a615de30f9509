//! Generated names.

/// What Kubernetes appends to `metadata.generateName`: letters that cannot spell words and digits that cannot be
/// misread (apimachinery's `rand.SafeEncodeString` alphabet).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five random characters, as the API server appends to `generateName`.
pub fn suffix() -> String {
    (0..5).map(|_| char::from(ALPHABET[fastrand::usize(..ALPHABET.len())])).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_suffix_is_five_safe_characters() {
        let s = super::suffix();
        assert_eq!(s.len(), 5);
        assert!(s.bytes().all(|b| super::ALPHABET.contains(&b)), "{s}");
    }
}
