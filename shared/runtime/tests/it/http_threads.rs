use runtime::db::{Database, forbid_on_this_thread};
use testing::database_settings;

#[test]
fn sql_on_an_http_worker_thread_panics() {
    // The panic comes before the first connection: no server is needed.
    let database = Database::open("test", &database_settings("postgres://postgres@127.0.0.1:1/nowhere"))
        .expect("a pool");
    let worker = std::thread::spawn(move || {
        forbid_on_this_thread();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(database.connection()).map(drop)
    });
    let panic = worker.join().expect_err("it panics");
    let text = panic.downcast_ref::<&str>().expect("a message");
    assert!(text.starts_with("SQL on an HTTP worker thread"), "{text}");
}
