//! The infrastructure on real Redis and PostgreSQL. The shop in these tests is a toy: see `toy`.

mod database;
mod group_commit;
mod http_threads;
mod outbox;
mod refusals;
mod streams;
mod streams_lost;
mod supervision;
mod tokens;
mod toy;
mod trimming;
