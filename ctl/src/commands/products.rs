use serde_json::json;

use crate::api::{Api, Listed, Money, NewProduct, Product};
use crate::context::{Context, Role};
use crate::exit::Exit;
use crate::terminal::{left_out, printable, table};
use crate::values::{at_least_one, sku};

const EXAMPLES: &str = "\
Examples:
  shopctl products list --search tea
  shopctl products create TEA --name 'Green tea' --price 4.50EUR --stock 100
  shopctl products price TEA 4.95EUR";

/// `shopctl products ...`
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum Command {
    /// List the products on sale, by SKU
    List {
        /// Text that the SKU or the name begins with
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// Maximum number of products
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
        limit: usize,
    },
    /// Show a product with its price and stock
    Show {
        /// SKU of the product
        #[arg(value_parser = sku)]
        sku: String,
    },
    /// Put a product on sale
    #[command(after_help = EXAMPLES)]
    Create(New),
    /// Change the price of a product. Orders already placed keep theirs
    Price {
        /// SKU of the product
        #[arg(value_parser = sku)]
        sku: String,
        /// New price of one piece, such as 4.95EUR
        price: Money,
    },
    /// Take a product off sale. Orders already placed are still fulfilled
    Delete {
        /// SKU of the product
        #[arg(value_parser = sku)]
        sku: String,
    },
}

/// The new product.
#[derive(Debug, clap::Args)]
pub struct New {
    /// SKU of the product, such as MUG-BLUE
    #[arg(value_parser = sku)]
    sku: String,
    /// Name for customers
    #[arg(long)]
    name: String,
    /// Description for customers
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    description: String,
    /// Price of one piece, such as 4.50EUR
    #[arg(long, value_name = "MONEY")]
    price: Money,
    /// Pieces on hand
    #[arg(long, value_name = "N", default_value_t = 0)]
    stock: u32,
}

pub async fn run(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    let api = context.api_as(Role::Admin).await?;
    let output = context.output;
    match command {
        Command::List { search, limit } => {
            output.print(&api.products(search.as_deref(), *limit).await?, rendered)?;
        }
        Command::Show { sku } => output.print(&api.product(sku).await?, described)?,
        Command::Create(new) => {
            let product = api.create_product(&new.product()).await?;
            output.print(&product, |product| format!("created {} at {}", product.sku, product.price))?;
        }
        Command::Price { sku, price } => {
            let product = change_price(&api, sku, price).await?;
            output.print(&product, |product| format!("{} costs {} now", product.sku, product.price))?;
        }
        Command::Delete { sku } => {
            api.delete_product(sku).await?;
            output.print(&json!({"deleted": sku}), |_| format!("took {sku} off sale"))?;
        }
    }
    Ok(Exit::Success)
}

impl New {
    fn product(&self) -> NewProduct<'_> {
        let Self { sku, name, description, price, stock } = self;
        NewProduct { sku, name, description, price: price.clone(), stock: *stock }
    }
}

/// Keeps name and description: the service replaces all details.
async fn change_price(api: &Api, sku: &str, price: &Money) -> anyhow::Result<Product> {
    let product = api.product(sku).await?;
    Ok(api.change_price(&product, price).await?)
}

fn rendered(products: &Listed<Product>) -> String {
    let mut rows = vec![["SKU", "NAME", "PRICE", "AVAILABLE"].map(str::to_owned).to_vec()];
    rows.extend(products.data.iter().map(|product| {
        let Product { sku, name, price, available, .. } = product;
        vec![sku.clone(), printable(name), price.to_string(), available.to_string()]
    }));
    table(&rows) + left_out(products.has_more)
}

fn described(product: &Product) -> String {
    let Product { sku, name, description, price, available, version, .. } = product;
    let mut lines = vec![format!("{sku}  {}", printable(name))];
    lines.extend((!description.is_empty()).then(|| format!("  {}", printable(description))));
    lines.push(format!("  {price}, {available} available, version {version}"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_one_row_and_a_longer_list_says_that_there_is_more() {
        let text = r#"{"sku":"TEA","name":"Green tea","description":"","available":3,"version":1,
            "price":{"amount":450,"currency":"EUR"}}"#;
        let product: Product = serde_json::from_str(text).expect("the wire shape");
        let text = rendered(&Listed { data: vec![product], has_more: true });
        let expected =
            "SKU  NAME       PRICE     AVAILABLE\nTEA  Green tea  4.50 EUR  3\n... and more: see --limit";
        assert_eq!(text, expected);
    }
}
