use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};

/// 256 random bits, in hexadecimal.
pub fn random_id() -> String {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).unwrap_or_else(|_| unreachable!("the generator of aws-lc-rs does not fail"));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// In a time that does not depend on the place of the first difference.
pub fn is_equal(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
