use super::{Invalid, invalid::is_label};

/// The largest value of the column.
pub const STOCK_LIMIT: i64 = i32::MAX as i64;

/// Pieces on hand, 0 to 2^31-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockCount(i32);

impl StockCount {
    pub fn parse(count: i64) -> Result<Self, Invalid> {
        i32::try_from(count).ok().filter(|count| *count >= 0).map(Self).ok_or(Invalid::Stock)
    }

    pub fn get(self) -> i32 {
        self.0
    }
}

/// Pieces added, or taken when negative. Zero is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta(i32);

impl Delta {
    pub fn parse(delta: i64) -> Result<Self, Invalid> {
        i32::try_from(delta)
            .ok()
            .filter(|delta| *delta != 0 && *delta != i32::MIN)
            .map(Self)
            .ok_or(Invalid::Delta)
    }

    pub fn get(self) -> i32 {
        self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if is_label(text) { Ok(Self(text.to_owned())) } else { Err(Invalid::Reason) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_fits_its_column_and_is_never_negative() {
        assert_eq!(StockCount::parse(0).unwrap().get(), 0);
        assert_eq!(i64::from(StockCount::parse(STOCK_LIMIT).unwrap().get()), STOCK_LIMIT);
        for bad in [-1, STOCK_LIMIT + 1, i64::MAX] {
            assert_eq!(StockCount::parse(bad), Err(Invalid::Stock));
        }
    }

    #[test]
    fn an_adjustment_changes_something() {
        assert_eq!(Delta::parse(-5).unwrap().get(), -5);
        for bad in [0, -STOCK_LIMIT - 1, STOCK_LIMIT + 1] {
            assert_eq!(Delta::parse(bad), Err(Invalid::Delta));
        }
    }
}
