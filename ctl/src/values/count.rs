/// A rate.
pub fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number above 0, such as 0.5 or 200".to_owned())
}

pub fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number: &usize| *number > 0);
    number.ok_or_else(|| "must be a whole number above 0, such as 100".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_and_a_number_are_above_zero() {
        assert_eq!((above_zero("0.5"), at_least_one("7")), (Ok(0.5), Ok(7)));
        for text in ["", "0", "-1", "many", "inf", "NaN"] {
            assert!(above_zero(text).is_err() && at_least_one(text).is_err(), "{text}");
        }
    }
}
