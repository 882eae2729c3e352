//! Verification of a cached and a new token.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use runtime::{
    auth::{KeySet, Role, TokenSettings, Verifier},
    settings::Source,
    telemetry,
};
use testing::Signer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As in `bench`.
const CUSTOMERS: usize = 16;

fn tokens(criterion: &mut Criterion) {
    // Counted, as in a service.
    telemetry::install_metrics();
    let signer = Signer::generate();
    let verifier =
        Verifier::new(KeySet::local(&signer.jwks()), &TokenSettings::read(&mut Source::new([], [])));
    let tokens: Vec<String> = (0..CUSTOMERS).map(|_| signer.token(Role::User)).collect();
    // Fixed keys: the future is ready at once.
    let verify = |token: &String| {
        verifier.verify(token).now_or_never().expect("no key is fetched").expect("a good token")
    };
    tokens.iter().for_each(|token| drop(verify(token)));

    let mut hits = tokens.iter().cycle();
    let mut misses = tokens.iter().cycle();
    let mut group = criterion.benchmark_group("token");
    group.bench_function("hit", |bench| {
        bench.iter(|| verifier.cached(black_box(hits.next().expect("endless"))).expect("a hit"))
    });
    // `verify` bypasses the cache.
    group.bench_function("miss", |bench| bench.iter(|| verify(black_box(misses.next().expect("endless")))));
    group.finish();
}

criterion_group!(benches, tokens);
criterion_main!(benches);
