use std::sync::{Arc, PoisonError, RwLock};

use runtime::auth::KeyDocument;

/// The document of `/.well-known/jwks.json`. Clones share it.
#[derive(Clone)]
pub struct PublishedKeys(Arc<RwLock<Arc<KeyDocument>>>);

impl PublishedKeys {
    pub fn new(document: KeyDocument) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(document))))
    }

    pub fn replace(&self, document: KeyDocument) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(document);
    }

    pub fn document(&self) -> Arc<KeyDocument> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
