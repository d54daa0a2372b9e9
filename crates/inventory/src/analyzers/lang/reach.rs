//! Which packages of a lock are there only for development: those that no runtime dependency of the project leads to.

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
