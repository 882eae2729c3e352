use aws_lc_rs::digest;

/// SHA-256.
pub(super) fn fingerprint(text: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    key
}
