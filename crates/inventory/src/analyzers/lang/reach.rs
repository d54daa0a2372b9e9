//! Which packages of a lock are there only for development: those that no runtime dependency of the project leads to.

use std::collections::HashMap;

use layergate_model::{Dependency, Package, Scope, Section};

/// Gives the packages of the lock at `lock` that no root leads to the development scope. A need without a version leads
/// to every package of its name; names are compared as `fold` makes them.
pub(crate) fn settle(
    out: &mut Section,
    lock: &str,
    fold: fn(&str) -> String,
    is_root: impl Fn(&Package) -> bool,
    counts: impl Fn(&Package, &Dependency) -> bool,
) {
    let packages: Vec<&mut Package> = out.packages.iter_mut().filter(|p| p.evidence() == lock).collect();
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, package) in packages.iter().enumerate() {
        by_name.entry(fold(&package.name)).or_default().push(index);
    }
    let edges: Vec<Vec<usize>> = packages
        .iter()
        .map(|package| {
            let needs = package.dependencies.iter().filter(|d| counts(package, d));
            let found = needs.flat_map(|d| by_name.get(&fold(&d.name)).into_iter().flatten().map(move |i| (d, *i)));
            let fits = |(d, i): &(&Dependency, usize)| d.version.as_ref().is_none_or(|v| *v == packages[*i].version);
            found.filter(fits).map(|(_, i)| i).collect()
        })
        .collect();
    let roots: Vec<usize> = (0..packages.len()).filter(|i| is_root(packages[*i])).collect();
    let used = reachable(roots, &edges);
    for (package, used) in packages.into_iter().zip(used) {
        if !used {
            package.scope = Scope::Dev;
        }
    }
}

/// Marks what can be reached from `roots`, following `edges[i]`, the neighbours of node `i`.
pub(crate) fn reachable(roots: impl IntoIterator<Item = usize>, edges: &[Vec<usize>]) -> Vec<bool> {
    let mut seen = vec![false; edges.len()];
    let mut open: Vec<usize> = roots.into_iter().collect();
    while let Some(node) = open.pop() {
        if let Some(mark) = seen.get_mut(node).filter(|m| !**m) {
            *mark = true;
            open.extend(&edges[node]);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_and_nodes_that_are_not_there() {
        let edges = vec![vec![1], vec![0, 2, 9], vec![], vec![2]];
        assert_eq!(reachable([0, 7], &edges), [true, true, true, false]);
    }
}
