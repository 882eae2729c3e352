//! The imports of a crate: every `use`, and every path with two segments or more.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::visit::{self, Visit};

/// `["crate", "store", "place"]`
pub type Segments = Vec<String>;

#[derive(Default)]
pub struct Module {
    /// As they are written.
    pub paths: BTreeSet<Segments>,
    /// Imports and re-exports, each with its path.
    pub names: BTreeMap<String, Segments>,
    pub globs: Vec<Segments>,
}

/// Modules by path: `[]` is `lib.rs`, `["store", "place"]` is `store/place.rs`.
pub struct Crate {
    pub modules: BTreeMap<Segments, Module>,
}

impl Crate {
    pub fn read(folder: &Path) -> Self {
        let mut modules = BTreeMap::new();
        read_folder(&folder.join("src"), &[], &mut modules);
        Self { modules }
    }

    /// Follows re-exports to the defining file.
    pub fn imports(&self, module: &[String]) -> BTreeSet<Segments> {
        let paths = self.modules[module].paths.iter();
        paths.filter_map(|path| self.resolve(module, path, 0)).filter(|target| target != module).collect()
    }

    /// The module in which `path` ends; none for another crate.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Segments> {
        let (base, rest) = match path.first()?.as_str() {
            "crate" => (Vec::new(), &path[1..]),
            "self" => (module.to_vec(), &path[1..]),
            "super" => (module[..module.len().checked_sub(1)?].to_vec(), &path[1..]),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                let named = self.modules[module].names.contains_key(first);
                if !self.modules.contains_key(&child) && (!named || depth == 0) {
                    return None;
                }
                (module.to_vec(), path)
            }
        };
        self.descend(base, rest, depth)
    }

    fn descend(&self, mut at: Segments, rest: &[String], depth: usize) -> Option<Segments> {
        const DEEPEST: usize = 16; // longer than any chain of re-exports here
        for (n, name) in rest.iter().enumerate() {
            if name == "super" {
                at.pop()?;
                continue;
            }
            let child = [at.as_slice(), std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&child) {
                at = child;
                continue;
            }
            let further = self.modules[&at].names.get(name).filter(|_| depth < DEEPEST);
            return match further {
                Some(path) => {
                    let path = [path.as_slice(), &rest[n + 1..]].concat();
                    self.resolve(&at, &path, depth + 1)
                }
                None => Some(at),
            };
        }
        Some(at)
    }
}

fn read_folder(folder: &Path, module: &[String], modules: &mut BTreeMap<Segments, Module>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "bin" {
                read_folder(&path, &[module, &[name]].concat(), modules);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "main" {
            let own =
                if name == "lib" || name == "mod" { module.to_vec() } else { [module, &[name]].concat() };
            modules.insert(own, read_file(&path));
        }
    }
}

fn read_file(path: &Path) -> Module {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut module = Module::default();
    module.visit_file(&file);
    module
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.enter(Vec::new(), &item.tree, is_public(&item.vis));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

impl Module {
    fn enter(&mut self, prefix: Segments, tree: &syn::UseTree, exported: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                self.enter([prefix, vec![path.ident.to_string()]].concat(), &path.tree, exported)
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.enter(prefix.clone(), item, exported))
            }
            syn::UseTree::Glob(_) => self.globs.push(prefix),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.import(prefix.clone(), prefix.last().cloned(), exported)
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import([prefix, vec![name.clone()]].concat(), Some(name), exported);
            }
            syn::UseTree::Rename(rename) => {
                let path = [prefix, vec![rename.ident.to_string()]].concat();
                self.import(path, Some(rename.rename.to_string()), exported);
            }
        }
    }

    /// A re-export is no use: only an importer of the name depends on the module behind it.
    fn import(&mut self, path: Segments, name: Option<String>, exported: bool) {
        if !exported {
            self.paths.insert(path.clone());
        }
        self.names.extend(name.map(|name| (name, path)));
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    !matches!(visibility, syn::Visibility::Inherited)
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
}
