//! Style and scripts, built into the program. `assets/README.md` tells where the foreign ones come from.

use std::{collections::HashMap, sync::LazyLock};

use actix_web::{HttpResponse, http::header, web::Path};
use aws_lc_rs::digest::{SHA256, digest};

use crate::failure::Failure;

struct Asset {
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        ($name, Asset { kind: $kind, content: include_bytes!(concat!("../assets/", $name)) })
    };
}

static ASSETS: [(&str, Asset); 5] = [
    asset!("console.css", "text/css; charset=utf-8"),
    asset!("console.js", "text/javascript; charset=utf-8"),
    asset!("htmx.min.js", "text/javascript; charset=utf-8"),
    asset!("sse.min.js", "text/javascript; charset=utf-8"),
    asset!("icon.svg", "image/svg+xml"),
];

static VERSIONS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    ASSETS.iter().map(|(name, asset)| (*name, sha256(asset.content)[..12].to_owned())).collect()
});

/// The first digits of its SHA-256.
pub fn version(name: &str) -> &'static str {
    VERSIONS.get(name).map_or("", String::as_str)
}

/// A browser keeps a file for good: another content has another address.
pub async fn show(name: Path<String>) -> Result<HttpResponse, Failure> {
    let (_, asset) = ASSETS.iter().find(|(known, _)| *known == name.as_str()).ok_or(Failure::NotFound)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, asset.kind));
    response.insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"));
    Ok(response.body(asset.content))
}

fn sha256(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_of_others_are_those_that_the_readme_names() {
        let readme = include_str!("../assets/README.md");
        for (name, asset) in ASSETS.iter().filter(|(name, _)| name.ends_with(".min.js")) {
            let line = readme.lines().find(|line| line.contains(name)).expect("a line of the table");
            assert!(line.contains(&sha256(asset.content)), "{name} is {}", sha256(asset.content));
        }
    }
}
