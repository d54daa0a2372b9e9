//! What a package needs, as its manager writes it, turned into names of packages of the same database.
//!
//! apk and rpm let packages need what others provide (`so:libc.musl-x86_64.so.1`, `libc.so.6()(64bit)`), dpkg has virtual
//! packages: the providers of the same database are looked up, and what nobody there provides is left out.

use std::collections::{HashMap, HashSet};

use layergate_model::{Dependency, Package};

/// Needs of one package that are looked at; hostile databases have more.
const MAX_NEEDS: usize = 4096;
/// Packages that one package may depend on in the inventory.
const MAX_DEPENDENCIES: usize = 512;

/// Collects what packages provide and need while a database is read.
#[derive(Default)]
pub(crate) struct Needs<'a> {
    provider: HashMap<&'a str, usize>,
    names: HashMap<&'a str, usize>,
    needs: Vec<(usize, Vec<&'a str>)>,
}

impl<'a> Needs<'a> {
    /// The package at `index` of the section has this name.
    pub(crate) fn named(&mut self, index: usize, name: &'a str) {
        self.names.entry(name).or_insert(index);
    }

    /// The package at `index` provides these names.
    pub(crate) fn provides(&mut self, index: usize, names: impl Iterator<Item = &'a str>) {
        for name in names.take(MAX_NEEDS) {
            self.provider.entry(name).or_insert(index);
        }
    }

    /// The package at `index` needs these names.
    pub(crate) fn needs(&mut self, index: usize, names: impl Iterator<Item = &'a str>) {
        self.needs.push((index, names.take(MAX_NEEDS).collect()));
    }

    /// Writes the dependencies into the packages.
    pub(crate) fn resolve(self, packages: &mut [Package]) {
        for (index, needs) in self.needs {
            let found: HashSet<usize> = needs
                .into_iter()
                .filter_map(|need| self.names.get(need).or_else(|| self.provider.get(need)).copied())
                .filter(|other| *other != index)
                .collect();
            let mut names: Vec<_> = found.into_iter().filter_map(|i| packages.get(i)).map(|p| p.name.clone()).collect();
            names.sort();
            names.dedup();
            names.truncate(MAX_DEPENDENCIES);
            if let Some(package) = packages.get_mut(index) {
                package.dependencies = names.into_iter().map(|name| Dependency { name, version: None }).collect();
            }
        }
    }
}
