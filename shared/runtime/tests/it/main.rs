//! The runtime on real Redis and PostgreSQL servers, with a toy shop: see `toy`.

mod database;
mod example;
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
