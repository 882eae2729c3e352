//! One row of payment's orders.

use uuid::Uuid;

use super::facts::{Lines, Name, Status};
use super::money::Booked;
use super::timeline::Step;

/// An order with its timeline and its money.
#[derive(Debug, Clone)]
pub(super) struct OrderRow {
    pub id: Uuid,
    pub user: Uuid,
    pub status: Status,
    pub method: Name,
    pub lines: Lines,
    /// Seconds since the order was placed.
    pub age: f64,
    pub version: i32,
    pub timeline: Vec<Step>,
    pub booked: Booked,
}
