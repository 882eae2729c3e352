//! The composition root.

mod metrics;

use refinery::Runner;
use runtime::{
    auth::{KeySet, Verifier},
    db::Commits,
    down,
    service::{Api, Service, StartError, Streams},
    shutdown::Cause,
    stream::Broker,
};

use crate::{
    SERVICE,
    actors::{self, ProductParts, StockDeskParts},
    consumers::consume,
    http::{self, Addresses},
    settings::Settings,
    store::WriteStock,
};

mod embedded {
    refinery::embed_migrations!("migrations");
}

pub fn migrations() -> Runner {
    embedded::migrations::runner()
}

/// Runs until a signal or a fault ends the service.
pub async fn serve(settings: Settings) -> Result<Cause, StartError> {
    let service = Service::prepare(SERVICE, &settings.common, migrations).await?;
    metrics::register();
    let streams = service.streams(&settings.streams).await?;

    let database = service.database.clone();
    let writer = Commits::start(&service.core, database, &settings.common.database, || WriteStock);
    let product = product_parts(&service, &streams, &settings);
    let parts = StockDeskParts { product, writer: writer.clone(), live_products: settings.live_products };
    let desk = actors::start(&service.core, &parts);
    let streams = streams.consume(|set| consume(set, &desk));

    let keys = KeySet::remote(settings.tokens.jwks_url.clone(), settings.tokens.jwks_refresh)?;
    let verifier = Verifier::new(keys.clone(), &settings.tokens);
    let routes = http::routes(Addresses { desk: desk.clone(), public_catalogue: settings.public_catalogue });
    let api = Api { keys, verifier, openapi: http::openapi(), routes, own_history: &[] };
    service.run(api, Some(streams), down!["desk" => desk, "writer" => writer]).await
}

fn product_parts(service: &Service, streams: &Streams, settings: &Settings) -> ProductParts {
    ProductParts {
        database: service.database.clone(),
        requests: service.requests.clone(),
        relay: streams.relay.clone(),
        broker: Broker::new(&settings.streams), // a connection of the core arbiter
        lease: settings.streams.resend_after,
        view_age: settings.product_view_age,
    }
}
