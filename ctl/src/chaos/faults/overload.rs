use super::{PlannedFault, Struck};
use crate::chaos::ChaosError;
use crate::chaos::arena::Arena;

pub async fn overload(_: &mut Arena, _: &PlannedFault) -> Result<Struck, ChaosError> {
    Err(ChaosError::Impossible("not there yet".to_owned()))
}
