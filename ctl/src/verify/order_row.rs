use uuid::Uuid;

use super::facts::{Lines, Name, Status};
use super::money::Booked;
use super::timeline::Step;

#[derive(Debug, Clone)]
pub(super) struct OrderRow {
    pub id: Uuid,
    pub user: Uuid,
    pub status: Status,
    pub method: Name,
    pub lines: Lines,
    /// Seconds since placed.
    pub age: f64,
    pub version: i32,
    pub timeline: Vec<Step>,
    pub booked: Booked,
}
