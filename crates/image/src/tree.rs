//! The part of a file tree that somebody asks about: the places of evidence_set, every symbolic link, and what leads
//! there.
//!
//! An image has millions of entries and a scan asks about thousands, so the tree is sparse: a place without a node
//! holds nothing that matters and, because every symbolic link has a node, is no link. Nodes are never moved; what is
//! removed is only unhooked, so the tree grows by at most one node for each evidence or link. Resolution follows links
//! as the kernel does: `..` is taken after the link is followed, absolute targets begin at the image's root, 40 links
//! are too many.

use std::{collections::HashMap, sync::Arc};

/// Links followed in one resolution before it is a cycle (Linux: `MAXSYMLINKS`).
const MAX_LINKS: u32 = 40;

/// A node's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

/// The image's root.
pub(crate) const ROOT: NodeId = NodeId(0);

/// What is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing that an entry named: a directory that is there because something lies below it, or nothing any more.
    Implied,
    /// A directory.
    Directory,
    /// A symbolic link with its target as written.
    Link(Arc<str>),
    /// Anything that has nothing below it.
    Leaf,
    /// A directory, or a link, or something else: it depends on who puts the layers together.
    Unsure,
}

/// One version of a place: the layer that wrote it, and the evidence that it is, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) layer: u32,
    pub(crate) evidence: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Node {
    parent: NodeId,
    children: HashMap<Box<str>, NodeId>,
    pub(crate) kind: Kind,
    /// The layer of the last entry here.
    pub(crate) layer: u32,
    /// What the place proves, and the layer that put it there.
    pub(crate) evidence: Option<Version>,
    /// The versions of this place since it was last removed, oldest first; the last one is what is shown.
    pub(crate) history: Vec<Version>,
    /// The last layer whose whiteout went through here, plus one.
    pruned: u32,
    /// The last layer that had an opaque marker here, plus one.
    emptied: u32,
}

impl Node {
    fn forget(&mut self) {
        self.kind = Kind::Implied;
        self.evidence = None;
        self.history.clear();
    }
}

/// Where a resolution ended: a node, and how many parts below it nothing is known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) node: NodeId,
    pub(crate) beyond: u32,
}

impl Place {
    /// The node, where the place has one.
    pub(crate) fn known(self) -> Option<NodeId> {
        (self.beyond == 0).then_some(self.node)
    }
}

/// The links of one resolution.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Links {
    count: u32,
    /// The lowest layer that wrote one of them.
    pub(crate) lowest: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let mut tree = Self { nodes: Vec::new() };
        tree.push(ROOT);
        tree
    }

    fn push(&mut self, parent: NodeId) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node {
            parent,
            children: HashMap::new(),
            kind: Kind::Implied,
            layer: 0,
            evidence: None,
            history: Vec::new(),
            pruned: 0,
            emptied: 0,
        });
        id
    }

    /// How many nodes were ever made.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    pub(crate) fn child(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        self.node(parent).children.get(name).copied()
    }

    /// The child `name`, made where there is none.
    pub(crate) fn child_or_new(&mut self, parent: NodeId, name: &str) -> NodeId {
        if let Some(child) = self.child(parent, name) {
            return child;
        }
        let id = self.push(parent);
        self.node_mut(parent).children.insert(name.into(), id);
        id
    }

    /// One step down from `place`, through a link where `name` is one; `None` when the links go in circles, or when it
    /// is not known what is there.
    pub(crate) fn enter(&self, place: Place, name: &str, links: &mut Links) -> Option<Place> {
        if place.beyond > 0 {
            return Some(Place { beyond: place.beyond + 1, ..place });
        }
        let Some(child) = self.child(place.node, name) else {
            return Some(Place { node: place.node, beyond: 1 });
        };
        let target = match &self.node(child).kind {
            Kind::Unsure => return None,
            Kind::Link(target) => target,
            _ => return Some(Place { node: child, beyond: 0 }),
        };
        links.count += 1;
        if links.count > MAX_LINKS {
            return None;
        }
        let layer = self.node(child).layer;
        links.lowest = Some(links.lowest.map_or(layer, |l| l.min(layer)));
        self.walk(place.node, target, links)
    }

    /// Resolves `path` from the directory `from`, the last part too. Recursion is bounded by the number of links.
    fn walk(&self, from: NodeId, path: &str, links: &mut Links) -> Option<Place> {
        let mut place = Place { node: if path.starts_with('/') { ROOT } else { from }, beyond: 0 };
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if place.beyond > 0 => place.beyond -= 1,
                ".." => place.node = self.node(place.node).parent,
                name => place = self.enter(place, name, links)?,
            }
        }
        Some(place)
    }

    /// The place of `path` seen from the root, links followed to the end.
    pub(crate) fn resolve(&self, path: &str) -> Option<Place> {
        self.walk(ROOT, path, &mut Links::default())
    }

    /// The path of `path` without links, where every link is followed to its end; `None` when they go in circles, or
    /// when it is not known what is there.
    pub(crate) fn real_path<'a>(&'a self, path: &'a str) -> Option<String> {
        let mut way: Vec<(&str, Option<NodeId>)> = Vec::new();
        let mut todo: Vec<&str> = path.rsplit('/').collect();
        let mut links = 0;
        while let Some(part) = todo.pop() {
            match part {
                "" | "." => {}
                ".." => {
                    way.pop();
                }
                name => {
                    let parent = way.last().map_or(Some(ROOT), |(_, node)| *node);
                    let child = parent.and_then(|p| self.child(p, name));
                    let target = match child.map(|c| &self.node(c).kind) {
                        Some(Kind::Link(target)) => target,
                        Some(Kind::Unsure) => return None,
                        _ => {
                            way.push((part, child));
                            continue;
                        }
                    };
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.starts_with('/') {
                        way.clear();
                    }
                    todo.extend(target.rsplit('/'));
                }
            }
        }
        let mut real = String::with_capacity(path.len());
        for (name, _) in way {
            if !real.is_empty() {
                real.push('/');
            }
            real.push_str(name);
        }
        Some(real)
    }

    /// The paths of all symbolic links, without links in them.
    pub(crate) fn links(&self) -> Vec<String> {
        let (mut found, mut stack) = (Vec::new(), vec![(ROOT, String::new())]);
        while let Some((id, path)) = stack.pop() {
            for (name, child) in &self.node(id).children {
                let path = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
                if matches!(self.node(*child).kind, Kind::Link(_)) {
                    found.push(path);
                } else {
                    stack.push((*child, path));
                }
            }
        }
        found
    }

    /// Makes nodes for the directory `path`, links followed; `None` when they go in circles.
    pub(crate) fn make_directory(&mut self, path: &str) -> Option<NodeId> {
        // The texts still to go, the next one last, each with where to go on in it; a link's target comes in between.
        let mut texts: Vec<(Arc<str>, usize)> = vec![(path.into(), 0)];
        let (mut node, mut links) = (ROOT, 0);
        while let Some((text, from)) = texts.pop() {
            let end = text[from..].find('/').map_or(text.len(), |length| from + length);
            if end < text.len() {
                texts.push((text.clone(), end + 1));
            }
            let part = &text[from..end];
            match part {
                "" | "." => {}
                ".." => node = self.node(node).parent,
                name => {
                    let child = self.child_or_new(node, name);
                    match &self.node(child).kind {
                        Kind::Link(target) => {
                            links += 1;
                            if links > MAX_LINKS {
                                return None;
                            }
                            if target.starts_with('/') {
                                node = ROOT;
                            }
                            texts.push((target.clone(), 0));
                        }
                        _ => node = child,
                    }
                }
            }
        }
        Some(node)
    }

    /// Whatever lies below an entry is in a directory: a file on the way down is none any more.
    pub(crate) fn clear_way(&mut self, mut id: NodeId) {
        while id != ROOT {
            let node = self.node_mut(id);
            if node.kind == Kind::Leaf {
                node.forget();
            }
            id = node.parent;
        }
    }

    /// Unhooks everything below `id`: a file or a link has taken the directory's place.
    pub(crate) fn remove_below(&mut self, id: NodeId) {
        self.node_mut(id).children = HashMap::new();
    }

    /// Hides what layers below `layer` put at `id` and below it (only below it with `inside`). A second whiteout of the
    /// same layer finds nothing more to hide, so each node is visited once for each layer.
    pub(crate) fn prune(&mut self, id: NodeId, layer: u32, inside: bool) {
        let mut stack = vec![id];
        if inside {
            let node = self.node_mut(id);
            if node.emptied == layer + 1 {
                return;
            }
            node.emptied = layer + 1;
            stack = node.children.values().copied().collect();
        }
        while let Some(id) = stack.pop() {
            let node = self.node_mut(id);
            if node.pruned == layer + 1 {
                continue;
            }
            node.pruned = layer + 1;
            if node.layer < layer {
                node.forget();
            }
            node.history.retain(|v| v.layer >= layer);
            node.evidence = node.evidence.filter(|v| v.layer >= layer);
            stack.extend(node.children.values().copied());
        }
    }

    /// Every node that can be reached from the root and proves something.
    pub(crate) fn evidence_set(&self) -> Vec<(NodeId, Version)> {
        let (mut found, mut stack) = (Vec::new(), vec![ROOT]);
        while let Some(id) = stack.pop() {
            let node = self.node(id);
            found.extend(node.evidence.map(|version| (id, version)));
            stack.extend(node.children.values().copied());
        }
        found
    }
}
