//! Each refused token would pass a verifier with one check missing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};
use futures_util::future::join_all;
use runtime::auth::{Claims, KeySet, Role, TokenError, Verifier};
use runtime::{
    auth::TokenSettings,
    settings::{HttpUrl, Source, Value},
};
use testing::Signer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn settings() -> TokenSettings {
    TokenSettings::read(&mut Source::new([], []))
}

fn verifier(signer: &Signer) -> Verifier {
    Verifier::new(KeySet::local(&signer.jwks()), &settings())
}

async fn refusal_of_claims(change: impl FnOnce(&mut Claims)) -> TokenError {
    let signer = Signer::generate();
    let mut claims = Signer::claims(Role::User);
    change(&mut claims);
    verifier(&signer).verify(&signer.sign(&signer.header(), &claims)).await.expect_err("refused")
}

/// The signer may answer too late on a busy machine.
async fn fetches_the_key(verifier: &Verifier, signer: &Signer) {
    let token = signer.token(Role::User);
    testing::eventually("the key is fetched", Duration::from_secs(30), async || {
        verifier.verify(&token).await
    })
    .await;
}

fn assert_invalid(error: &TokenError, why: &str) {
    assert!(
        matches!(error, TokenError::Invalid(text) if text.contains(why)),
        "expected `{why}`, got: {error}"
    );
}

#[tokio::test]
async fn a_good_token_is_accepted_and_then_remembered() {
    let signer = Signer::generate();
    let verifier = verifier(&signer);
    let token = signer.token(Role::Admin);
    assert_eq!(verifier.cached(&token), None);
    let claims = verifier.verify(&token).await.expect("accepted");
    assert_eq!(claims.role, Role::Admin);
    assert_eq!(verifier.cached(&token), Some(claims));
}

#[tokio::test]
async fn a_remembered_token_does_not_vouch_for_one_with_another_signature() {
    let signer = Signer::generate();
    let verifier = verifier(&signer);
    let token = signer.token(Role::User);
    verifier.verify(&token).await.expect("accepted");
    assert_eq!(verifier.cached(&tampered(&token)), None);
}

#[tokio::test]
async fn a_remembered_token_is_forgotten_when_it_expires() {
    let signer = Signer::generate();
    let mut claims = Signer::claims(Role::User);
    // Within the leeway for five seconds.
    claims.exp = claims.iat;
    claims.nbf = claims.iat - 600;
    let verifier = verifier(&signer);
    let token = signer.sign(&signer.header(), &claims);
    verifier.verify(&token).await.expect("within the leeway");
    let forgotten = async || verifier.cached(&token).is_none().then_some(());
    testing::eventually("the token is forgotten", Duration::from_secs(30), forgotten).await;
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let error = refusal_of_claims(|claims| claims.exp = claims.iat - 60).await;
    assert!(matches!(error, TokenError::Expired), "{error}");
}

#[tokio::test]
async fn a_token_from_the_future_is_refused() {
    assert_invalid(&refusal_of_claims(|claims| claims.nbf += 60).await, "not valid yet");
}

#[tokio::test]
async fn a_token_that_was_issued_in_the_future_is_refused() {
    assert_invalid(&refusal_of_claims(|claims| claims.iat += 60).await, "in the future");
}

#[tokio::test]
async fn a_token_that_is_valid_for_years_is_refused() {
    assert_invalid(
        &refusal_of_claims(|claims| claims.exp = claims.iat + 100 * 365 * 86_400).await,
        "longer than a token may be",
    );
}

#[tokio::test]
async fn a_token_with_a_critical_extension_is_refused() {
    let signer = Signer::generate();
    let header = jsonwebtoken::Header { crit: Some(vec!["exp".to_owned()]), ..signer.header() };
    let error = verifier(&signer)
        .verify(&signer.sign(&header, &Signer::claims(Role::Admin)))
        .await
        .expect_err("refused");
    assert_invalid(&error, "crit");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    assert_invalid(
        &refusal_of_claims(|claims| claims.iss = "somebody".to_owned()).await,
        "issuer or audience",
    );
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    assert_invalid(
        &refusal_of_claims(|claims| claims.aud = "another-shop".to_owned()).await,
        "issuer or audience",
    );
}

#[tokio::test]
async fn a_token_without_one_of_its_claims_is_refused() {
    let signer = Signer::generate();
    for claim in ["iss", "aud", "sub", "role", "exp", "iat", "jti"] {
        let mut claims = serde_json::to_value(Signer::claims(Role::User)).expect("JSON");
        claims.as_object_mut().expect("an object").remove(claim);
        let verdict = verifier(&signer).verify(&signer.sign(&signer.header(), &claims)).await;
        assert!(matches!(verdict, Err(TokenError::Invalid(_))), "without {claim}: {verdict:?}");
    }
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    let signer = Signer::generate();
    let token = Signer::unsigned(&signer.kid, &Signer::claims(Role::Admin));
    verifier(&signer).verify(&token).await.expect_err("refused");
}

#[tokio::test]
async fn a_token_signed_by_hs256_with_the_public_key_is_refused() {
    let signer = Signer::generate();
    let token = Signer::signed_with_public_key(&signer.kid, &signer.public_key, &Signer::claims(Role::Admin));
    assert_invalid(&verifier(&signer).verify(&token).await.expect_err("refused"), "algorithm is not allowed");
}

#[tokio::test]
async fn a_token_of_another_type_is_refused() {
    let signer = Signer::generate();
    for typ in [None, Some("JWT".to_owned()), Some("refresh+jwt".to_owned())] {
        let header = jsonwebtoken::Header { typ, ..signer.header() };
        let token = signer.sign(&header, &Signer::claims(Role::User));
        assert_invalid(&verifier(&signer).verify(&token).await.expect_err("refused"), "typ is not accepted");
    }
}

#[tokio::test]
async fn a_tampered_signature_is_refused() {
    let signer = Signer::generate();
    let error = verifier(&signer).verify(&tampered(&signer.token(Role::User))).await.expect_err("refused");
    assert_invalid(&error, "signature");
}

#[tokio::test]
async fn claims_that_were_changed_after_signing_are_refused() {
    let signer = Signer::generate();
    let parts = |role| signer.token(role).split('.').map(str::to_owned).collect::<Vec<_>>();
    let user = parts(Role::User);
    let admin = parts(Role::Admin);
    let spliced = format!("{}.{}.{}", user[0], admin[1], user[2]);
    assert_invalid(&verifier(&signer).verify(&spliced).await.expect_err("refused"), "signature");
}

#[tokio::test]
async fn a_token_of_an_unknown_key_is_refused() {
    let ours = Signer::generate();
    let theirs = Signer::generate();
    assert_invalid(
        &verifier(&ours).verify(&theirs.token(Role::Admin)).await.expect_err("refused"),
        "unknown",
    );
}

#[tokio::test]
async fn a_token_that_names_a_key_it_was_not_signed_with_is_refused() {
    let ours = Signer::generate();
    let theirs = Signer::generate();
    let token = theirs.sign(&ours.header(), &Signer::claims(Role::Admin));
    assert_invalid(&verifier(&ours).verify(&token).await.expect_err("refused"), "signature");
}

#[actix_rt::test]
async fn tokens_are_still_verified_while_the_signer_is_down() {
    let signer = Signer::generate();
    let (server, url, _) = publish(&signer);
    let keys =
        KeySet::remote(HttpUrl::parse(&url).expect("a URL"), Duration::from_secs(10)).expect("a client");
    let verifier = Verifier::new(keys, &settings());
    fetches_the_key(&verifier, &signer).await;
    server.stop(false).await;
    verifier.verify(&signer.token(Role::User)).await.expect("another token, the same key");
    // The set is too fresh for another fetch: an unknown key is refused, without an outage.
    assert_invalid(
        &verifier.verify(&Signer::generate().token(Role::User)).await.expect_err("refused"),
        "unknown",
    );
}

#[actix_rt::test]
async fn an_unknown_kid_is_asked_about_once_and_others_no_more_often_than_allowed() {
    let signer = Signer::generate();
    let (_server, url, fetches) = publish(&signer);
    let verifier = |limit| {
        let keys = KeySet::remote(HttpUrl::parse(&url).expect("a URL"), limit).expect("a client");
        Verifier::new(keys, &settings())
    };
    let refuse = async |verifier: &Verifier, token: &str| {
        assert_invalid(&verifier.verify(token).await.expect_err("refused"), "unknown");
    };
    let forged = Signer::generate().token(Role::Admin);

    let limited = verifier(Duration::from_secs(3600));
    fetches_the_key(&limited, &signer).await;
    let so_far = fetches.load(Ordering::Relaxed);
    for _ in 0..20 {
        refuse(&limited, &Signer::generate().token(Role::Admin)).await;
    }
    assert_eq!(fetches.load(Ordering::Relaxed), so_far);

    let eager = verifier(Duration::ZERO);
    fetches_the_key(&eager, &signer).await;
    let so_far = fetches.load(Ordering::Relaxed);
    for _ in 0..20 {
        refuse(&eager, &forged).await;
    }
    // One, unless an answer comes too late to be remembered.
    assert!((1..4).contains(&(fetches.load(Ordering::Relaxed) - so_far)));
    eager.verify(&signer.token(Role::User)).await.expect("another token, a known key");
}

#[actix_rt::test]
async fn without_any_key_the_outage_is_not_the_token_s_fault() {
    let keys = KeySet::remote(HttpUrl::parse("http://127.0.0.1:1/keys").expect("a URL"), Duration::ZERO)
        .expect("a client");
    let error = Verifier::new(keys, &settings())
        .verify(&Signer::generate().token(Role::User))
        .await
        .expect_err("no keys");
    assert!(matches!(error, TokenError::KeysUnavailable(_)), "{error}");
}

#[actix_rt::test]
async fn while_the_signer_hangs_a_token_of_an_unknown_key_is_refused_and_no_request_fails() {
    let signer = Signer::generate();
    let url = publish_once(&signer).await;
    let keys = KeySet::remote(HttpUrl::parse(&url).expect("a URL"), Duration::ZERO).expect("a client");
    let verifier = Verifier::new(keys, &settings());
    fetches_the_key(&verifier, &signer).await;

    let unknown = Signer::generate().token(Role::User);
    let answers = join_all((0..20).map(|_| verifier.verify(&unknown))).await;

    assert!(answers.iter().all(|answer| matches!(answer, Err(TokenError::Invalid(_)))), "{answers:?}");
}

/// Answers once, then stays silent.
async fn publish_once(signer: &Signer) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let body = serde_json::to_string(&signer.jwks()).expect("JSON");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    actix_rt::spawn(async move {
        let (mut first, _) = listener.accept().await.expect("a client");
        _ = first.read(&mut [0; 4096]).await.expect("a request");
        first.write_all(answer.as_bytes()).await.expect("an answer");
        let mut others = Vec::new();
        while let Ok((other, _)) = listener.accept().await {
            others.push(other);
        }
    });
    url
}

/// Counts the fetches.
fn publish(signer: &Signer) -> (actix_web::dev::ServerHandle, String, Arc<AtomicUsize>) {
    let jwks = signer.jwks();
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetches);
    let app = move || {
        let (jwks, counted) = (jwks.clone(), Arc::clone(&counted));
        let answer = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(HttpResponse::Ok().json(&jwks))
        };
        App::new().route("/keys", web::get().to(answer))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).expect("a port");
    let url = format!("http://{}/keys", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    actix_rt::spawn(server);
    (handle, url, fetches)
}

/// Changes the first character of the signature.
fn tampered(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a JWT");
    let first = if signature.starts_with('A') { "B" } else { "A" };
    format!("{signed}.{first}{}", &signature[1..])
}
