/// `stream` itself, or `stream.0`, `stream.1`, …
pub fn partitions(stream: &str, count: u16) -> Vec<String> {
    match count {
        0 | 1 => vec![stream.to_owned()],
        _ => (0..count).map(|n| format!("{stream}.{n}")).collect(),
    }
}

/// All events of one saga share a partition and stay in order.
pub fn partition_of(stream: &str, correlation_id: &str, count: u16) -> String {
    match count {
        0 | 1 => stream.to_owned(),
        _ => format!("{stream}.{}", fnv1a(correlation_id.as_bytes()) % u64::from(count)),
    }
}

/// FNV-1a: stable across builds and machines, unlike the hasher of `std`.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_always_travels_on_one_of_the_partitions_that_are_read() {
        for count in [1, 2, 7] {
            let read = partitions("order_completed", count);
            assert_eq!(read.len(), usize::from(count));
            for id in 0..100 {
                assert!(read.contains(&partition_of("order_completed", &id.to_string(), count)));
            }
        }
    }
}
