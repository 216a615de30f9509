//! x
/// x
pub fn is_inside() -> bool {
    false
}
