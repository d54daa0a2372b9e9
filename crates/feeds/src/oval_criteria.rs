//! Which packages an OVAL definition asks for under which release, architecture and module.
//!
//! Definitions nest: all of "release A or B is installed", "module M is enabled", "arch is x86_64", and one of several
//! package tests. A condition holds for everything beside and below it within the same "and". Comments are read, as the
//! vendors' own generators write them; the tests behind them ask for release packages' versions by pattern.

use crate::oval::{Definition, Oval, PackageTest, Step};

/// What must hold beside a package test.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    pub(crate) platforms: Vec<String>,
    pub(crate) arch: Option<String>,
    pub(crate) module: Option<String>,
}

/// A package test, or a package of which a comment says that all its versions are affected.
pub(crate) enum Asked<'o> {
    Test(PackageTest<'o>),
    Affected(&'o str),
}

enum Node<'o> {
    Branch(bool, Vec<Node<'o>>),
    Leaf(&'o str, &'o str),
}

/// The package tests of a definition with what guards them.
pub(crate) fn guarded<'o>(oval: &'o Oval, definition: &'o Definition) -> Vec<(Guard, Asked<'o>)> {
    // The parser bounds how deep elements nest, and so this.
    let mut stack: Vec<(bool, Vec<Node<'o>>)> = vec![(true, Vec::new())];
    for step in &definition.criteria {
        match step {
            Step::Open(all) => stack.push((*all, Vec::new())),
            Step::Test(test, comment) => {
                if let Some((_, nodes)) = stack.last_mut() {
                    nodes.push(Node::Leaf(test, comment));
                }
            }
            Step::Close => {
                if stack.len() > 1
                    && let Some((all, nodes)) = stack.pop()
                    && let Some((_, above)) = stack.last_mut()
                {
                    above.push(Node::Branch(all, nodes));
                }
            }
        }
    }
    let mut out = Vec::new();
    // An end that is missing leaves branches on the stack; they are read as they are.
    for (all, nodes) in stack {
        descend(oval, &Node::Branch(all, nodes), &Guard::default(), &mut out);
    }
    out
}

fn descend<'o>(oval: &'o Oval, node: &Node<'o>, above: &Guard, out: &mut Vec<(Guard, Asked<'o>)>) {
    match node {
        Node::Leaf(test, comment) => {
            if let Some(name) = comment.strip_suffix(" is affected") {
                out.push((above.clone(), Asked::Affected(name)));
            } else if let Some(test) = oval.package_test(test) {
                out.push((above.clone(), Asked::Test(test)));
            }
        }
        Node::Branch(all, nodes) => {
            let mut guard = above.clone();
            if *all {
                for node in nodes {
                    condition(oval, node, &mut guard);
                }
            }
            for node in nodes {
                descend(oval, node, &guard, out);
            }
        }
    }
}

/// Adds to a guard what a node demands, when it demands nothing of packages.
fn condition(oval: &Oval, node: &Node<'_>, guard: &mut Guard) {
    match node {
        Node::Leaf(test, comment) if oval.package_test(test).is_none() => {
            if let Some((_, arch)) = comment.split_once(" arch is ") {
                guard.arch = Some(arch.to_owned());
            } else if let Some(module) = comment.strip_prefix("Module ").and_then(|c| c.strip_suffix(" is enabled")) {
                guard.module = Some(module.to_owned());
            } else if let Some(platform) = comment.strip_suffix(" is installed") {
                guard.platforms.push(platform.to_owned());
            }
        }
        Node::Branch(false, nodes) if nodes.iter().all(|n| is_platform(oval, n)) => {
            nodes.iter().for_each(|n| condition(oval, n, guard));
        }
        _ => {}
    }
}

fn is_platform(oval: &Oval, node: &Node<'_>) -> bool {
    match node {
        Node::Leaf(test, comment) => comment.ends_with(" is installed") && oval.package_test(test).is_none(),
        Node::Branch(..) => false,
    }
}
