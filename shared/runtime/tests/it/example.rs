#[expect(dead_code, reason = "only the program uses `main`")]
#[path = "../../examples/bank/main.rs"]
mod bank;

#[actix_rt::test]
async fn the_bank_of_the_example_survives_the_panic_of_its_teller() {
    let summary = bank::run().await;
    let bank::Summary { deposits, doubled, panics, published } = summary;
    assert_eq!((deposits, doubled, panics), (3, 0, 1));
    // At-least-once: on a slow machine the sweep may publish an event that is on its way.
    assert!(published >= deposits, "{published} events published");
}
