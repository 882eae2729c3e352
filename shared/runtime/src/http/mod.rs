//! The HTTP side of every service.

mod accept;
mod admission;
mod audited;
mod body;
mod client_address;
mod codes;
mod connection;
mod context;
mod edge;
mod exchange;
mod form;
mod health;
mod idempotency;
mod page;
mod problem;
mod problem_pages;
mod query;
mod refusal;
mod request_record;
mod server;
mod transport;

pub use admission::Admission;
pub use audited::{Audit, AuditNotes, name_caller};
pub use body::{BodyLimits, JsonBody};
pub use client_address::ClientAddress;
pub use codes::{CODES, Code};
pub use context::RequestContext;
pub use edge::release_admission;
pub use exchange::LongAnswer;
pub use form::FormBody;
pub use health::Readiness;
pub use idempotency::{IdempotencyKeyHeader, idempotency_key};
pub use page::{Page, PageQuery, decode_cursor, encode_cursor};
pub use problem::{FieldError, Problem};
pub use query::Query;
pub use server::{HttpOptions, RunningHttp, start};
