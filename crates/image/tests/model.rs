//! The sparse overlay against a naive one that keeps the whole tree, on random layers with links, whiteouts and opaque
//! directories. Both hide only what containerd's applier and overlayfs hide.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Directory(String),
    File(String, bool),
    Link(String, String),
    Whiteout(String),
    Opaque(String),
}

#[derive(Debug)]
enum Node {
    Directory,
    File(Option<String>),
    Link(String),
}

/// Every path of the image without links in it, with what is there and the layer that put it there.
#[derive(Default, Debug)]
struct Naive {
    tree: BTreeMap<String, (Node, usize)>,
    stray: BTreeSet<String>,
    /// Paths that the current layer has as directories and whites out.
    merged: BTreeSet<String>,
}

fn below(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|r| r.starts_with('/'))
}

impl Naive {
    /// Follows all links of a directory's path; `None` after more than forty, or through a lower layer's.
    fn resolve(&self, path: &str, layer: usize) -> Option<String> {
        let mut todo: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let (mut done, mut links): (Vec<String>, _) = (Vec::new(), 0);
        while let Some(part) = todo.pop() {
            match part.as_str() {
                "" | "." => {}
                ".." => drop(done.pop()),
                _ => {
                    done.push(part);
                    if let Some((Node::Link(target), from)) = self.tree.get(&done.join("/")) {
                        links += 1;
                        if links > 40 || *from < layer {
                            return None;
                        }
                        done.pop();
                        if target.starts_with('/') {
                            done.clear();
                        }
                        todo.extend(target.split('/').rev().map(str::to_owned));
                    }
                }
            }
        }
        Some(done.join("/"))
    }

    fn put(&mut self, path: &str, layer: usize, node: Node) {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(parent) = self.resolve(parent, layer) else {
            if let Node::File(Some(item)) = node {
                self.stray.insert(item);
            }
            return;
        };
        // Files on the way become directories.
        self.tree.retain(|p, (n, _)| !(matches!(n, Node::File(_)) && (*p == parent || below(&parent, p))));
        let path = format!("{parent}/{name}").trim_start_matches('/').to_owned();
        let merged = matches!(node, Node::Directory);
        if !merged {
            self.tree.retain(|p, _| !below(p, &path));
        }
        self.tree.insert(path, (node, layer));
    }

    fn remove(&mut self, path: &str, layer: usize, itself: bool) {
        self.tree.retain(|p, (_, from)| *from >= layer || !(below(p, path) || (itself && p == path)));
    }

    fn apply(&mut self, layer: usize, op: &Op, item: String) {
        match op {
            Op::Directory(p) => self.put(p, layer, Node::Directory),
            Op::File(p, proves) => self.put(p, layer, Node::File(proves.then_some(item))),
            Op::Link(p, target) => self.put(p, layer, Node::Link(target.clone())),
            Op::Whiteout(p) => {
                let (parent, name) = p.rsplit_once('/').unwrap_or(("", p));
                if let Some(parent) = self.resolve(parent, layer).filter(|_| !self.merged.contains(p)) {
                    self.remove(format!("{parent}/{name}").trim_start_matches('/'), layer, true);
                }
            }
            Op::Opaque(p) => {
                if let Some(directory) = self.resolve(p, layer) {
                    self.remove(&directory, layer, false);
                }
            }
        }
    }

    fn items(self) -> BTreeSet<String> {
        let shown = self.tree.into_values().filter_map(|(n, _)| if let Node::File(item) = n { item } else { None });
        shown.chain(self.stray).collect()
    }
}

fn merged(layer: &[Op]) -> BTreeSet<String> {
    let has = |path: &String| {
        layer.iter().any(|op| match op {
            Op::Directory(p) | Op::Opaque(p) => p == path || below(p, path),
            Op::File(p, _) | Op::Link(p, _) | Op::Whiteout(p) => below(p, path),
        })
    };
    layer.iter().filter_map(|op| if let Op::Whiteout(p) = op { Some(p.clone()) } else { None }).filter(has).collect()
}

/// Whether `op` makes a path two things of one layer, or goes through a link of the layer: what that means is for the
/// differential tests against containerd and the kernel to say (`crates/fuzz`).
fn is_twofold(layer: &[Op], op: &Op) -> bool {
    let inside = |op: &Op, path: &String| match op {
        Op::Opaque(p) => p == path || below(p, path),
        Op::Directory(p) | Op::File(p, _) | Op::Link(p, _) | Op::Whiteout(p) => below(p, path),
    };
    let entry = |op: &Op| match op {
        Op::Directory(p) | Op::File(p, _) | Op::Link(p, _) => Some(p.clone()),
        _ => None,
    };
    let taken = |p: &String| layer.iter().any(|earlier| inside(earlier, p) || entry(earlier).as_ref() == Some(p));
    let through = layer.iter().any(|earlier| matches!(earlier, Op::Link(link, _) if inside(op, link)));
    let leaf = |p: &String| layer.iter().any(|o| matches!(o, Op::File(at, _) | Op::Link(at, _) if at == p));
    through
        || matches!(op, Op::File(p, _) | Op::Link(p, _) | Op::Whiteout(p) if taken(p))
        || matches!(op, Op::Directory(p) if leaf(p))
}

fn ops() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let path = || prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4).prop_map(|p| p.join("/"));
    let targets = vec!["a", "b", "b/c", "../a", "../b/c", "/a/b", "/c", ".", "..", "a/../b", "../../..", "x/../c"];
    let op = prop_oneof![
        2 => path().prop_map(Op::Directory),
        6 => (path(), any::<bool>()).prop_map(|(p, proves)| Op::File(p, proves)),
        3 => (path(), prop::sample::select(targets)).prop_map(|(p, t)| Op::Link(p, t.to_owned())),
        2 => path().prop_map(Op::Whiteout),
        1 => path().prop_map(Op::Opaque),
    ];
    prop::collection::vec(prop::collection::vec(op, 0..8), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn sparse_and_naive_agree(layers in ops()) {
        let mut naive = Naive::default();
        let mut texts = Vec::new();
        for (number, layer) in layers.iter().enumerate() {
            let mut text = String::new();
            let mut once = BTreeSet::new();
            let all = layer;
            let mut layer: Vec<Op> = Vec::new();
            for op in all {
                let again = matches!(op, Op::Directory(p) if !once.insert(p.clone()));
                if !again && !is_twofold(&layer, op) {
                    layer.push(op.clone());
                }
            }
            naive.merged = merged(&layer);
            for (i, op) in layer.iter().enumerate() {
                let item = format!("n{number}x{i}");
                let line = match op {
                    Op::Directory(p) => format!("d {p}\n"),
                    Op::File(p, true) => format!("f {p}: {item} 1\n"),
                    Op::File(p, false) => format!("f {p}\n"),
                    Op::Link(p, target) => format!("l {p} {target}\n"),
                    Op::Whiteout(p) => format!("w {p}\n"),
                    Op::Opaque(p) => format!("o {p}\n"),
                };
                naive.apply(number, op, item);
                text.push_str(&line);
            }
            texts.push(text);
        }
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let shown: BTreeSet<_> = support::image(&texts).packages.into_iter().map(|p| p.package.name).collect();
        prop_assert_eq!(shown, naive.items(), "{:?}", texts);
    }
}
