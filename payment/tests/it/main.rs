//! The statements of payment against a real PostgreSQL, where what matters is what two of them do at the same time.

mod lists;
mod races;
