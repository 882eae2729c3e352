/// A part of all orders.
pub fn share(text: &str) -> Result<f64, String> {
    part(text, 1.0).ok_or_else(|| "must be a number from 0 to 1, such as 0.1 for a tenth".to_owned())
}

/// The part of each of four kinds.
pub fn quarter(text: &str) -> Result<f64, String> {
    part(text, 0.25)
        .ok_or_else(|| "must be a number from 0 to 0.25, because four kinds have this share".to_owned())
}

fn part(text: &str, most: f64) -> Option<f64> {
    text.parse().ok().filter(|number| (0.0..=most).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_one() {
        assert_eq!((share("1"), quarter("0.25")), (Ok(1.0), Ok(0.25)));
        for text in ["", "1.1", "-0.1", "half", "NaN"] {
            assert!(share(text).is_err() && quarter(text).is_err(), "{text}");
        }
    }
}
