use serde_json::json;

use crate::api::{Api, ApiError};
use crate::context::Context;
use crate::context::Role;
use crate::demo;
use crate::exit::Exit;

/// `shopctl seed`
#[derive(Debug, clap::Args)]
#[command(after_help = "Existing products stay unchanged: the command can be repeated at any time.")]
pub struct Args {}

pub async fn run(_: &Args, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    let mut progress = context.output.progress();
    progress.step("Demo products");
    let created = create_missing(&api).await?;
    progress.done();
    let products: Vec<&str> = demo::products().iter().map(|product| product.sku).collect();
    context.output.print(&json!({"created": created, "products": products}), |_| {
        format!(
            "{} created, {} there already: {}",
            created.len(),
            products.len() - created.len(),
            products.join(" ")
        )
    })?;
    Ok(Exit::Success)
}

/// Returns the SKUs, existing ones included.
pub async fn create_missing(api: &Api) -> Result<Vec<&'static str>, ApiError> {
    let mut created = Vec::new();
    for product in demo::products() {
        match api.create_product(&product).await {
            Ok(_) => created.push(product.sku),
            Err(error) if error.code() == Some("sku-taken") => {}
            Err(error) => return Err(error),
        }
    }
    Ok(created)
}
