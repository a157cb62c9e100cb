//! A layered layout: rows from top to bottom in the direction of the edges, stages in bands of rows, labels of edges
//! in rows of their own, so that nothing covers anything else.

use super::Graph;

/// Beyond this many rows that edges pass through in all, long edges are drawn straight: their waypoints would cost
/// more than they give.
const MAX_WAYS: usize = 20_000;
/// Space between two items of a row.
const GAP: f64 = 24.0;
/// How often rows are moved towards their neighbours.
const SWEEPS: usize = 6;

/// What stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A node.
    Node(usize),
    /// A waypoint of an edge.
    Way(usize),
    /// A waypoint of an edge that bears its label.
    Label(usize),
}

/// Something in its place.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub kind: Kind,
    pub row: usize,
    /// The middle of it.
    pub x: f64,
    pub width: f64,
    above: Vec<usize>,
    below: Vec<usize>,
}

/// Where everything stands.
pub(super) struct Layout {
    /// Nodes first, by their numbers; then waypoints.
    pub items: Vec<Item>,
    /// Each edge's waypoints, downwards.
    pub ways: Vec<Vec<usize>>,
    /// How many rows there are.
    pub rows: usize,
}

/// Lays a graph out; `width` is that of an item.
pub(super) fn layout(graph: &Graph, width: impl Fn(Kind) -> f64) -> Layout {
    let rows_of = rows_of(graph);
    let item = |kind: Kind, row: usize| {
        let (above, below) = (Vec::new(), Vec::new());
        Item { kind, row, x: 0.0, width: width(kind), above, below }
    };
    let mut items: Vec<Item> = rows_of.iter().enumerate().map(|(node, row)| item(Kind::Node(node), *row)).collect();
    let row = |node: usize| rows_of.get(node).copied().unwrap_or(0);
    let long: usize = graph.edges.iter().map(|edge| row(edge.to).saturating_sub(row(edge.from))).sum();
    let mut ways = Vec::with_capacity(graph.edges.len());
    for (id, edge) in graph.edges.iter().enumerate() {
        let mut passed = Vec::new();
        let mut last = edge.from;
        for at in row(edge.from) + 1..row(edge.to) {
            let labelled = edge.label.is_some() && at == row(edge.from) + 1;
            if labelled || long <= MAX_WAYS {
                let way = items.len();
                items.push(item(if labelled { Kind::Label(id) } else { Kind::Way(id) }, at));
                link(&mut items, last, way);
                passed.push(way);
                last = way;
            }
        }
        link(&mut items, last, edge.to);
        ways.push(passed);
    }
    let count = rows_of.iter().max().map_or(0, |last| last + 1);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (id, item) in items.iter().enumerate() {
        if let Some(row) = rows.get_mut(item.row) {
            row.push(id);
        }
    }
    order(&mut items, &mut rows);
    place(&mut items, &rows);
    Layout { items, ways, rows: count }
}

/// The row of each node: below all that lead to it, with a row between for a label, and below the stage before.
fn rows_of(graph: &Graph) -> Vec<usize> {
    let mut rows: Vec<usize> = Vec::with_capacity(graph.nodes.len());
    // Edges stand in the order of the nodes that they lead to.
    let mut edges = graph.edges.iter().peekable();
    let mut least = 0;
    for stage in &graph.stages {
        let mut last = least;
        for node in stage.from..stage.to {
            let mut row = least;
            while let Some(edge) = edges.next_if(|edge| edge.to <= node) {
                let above = rows.get(edge.from).copied().unwrap_or(0);
                row = row.max(above + if edge.label.is_some() { 2 } else { 1 });
            }
            rows.push(row);
            last = last.max(row);
        }
        // A row between stages: for their frames.
        least = last + 2;
    }
    rows
}

fn link(items: &mut [Item], from: usize, to: usize) {
    if let Some(item) = items.get_mut(from) {
        item.below.push(to);
    }
    if let Some(item) = items.get_mut(to) {
        item.above.push(from);
    }
}

/// Orders each row by where the items that lead to it stand, then by the order of the source. `x` is the place in the
/// row until [`place`] gives the real one.
fn order(items: &mut [Item], rows: &mut [Vec<usize>]) {
    for row in rows {
        let mut keyed: Vec<(f64, usize)> = row.iter().map(|id| (mean(items, *id, true).unwrap_or(0.0), *id)).collect();
        keyed.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
        for (place, (_, id)) in keyed.iter().enumerate() {
            if let Some(item) = items.get_mut(*id) {
                item.x = place as f64;
            }
        }
        row.clear();
        row.extend(keyed.iter().map(|(_, id)| *id));
    }
}

/// Gives every item its x: near the mean of its neighbours, in the row's order, never nearer to another than the gap.
fn place(items: &mut [Item], rows: &[Vec<usize>]) {
    for row in rows {
        spread(items, row, |_, _| 0.0);
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let wish = |items: &[Item], id: usize| {
            mean(items, id, down).unwrap_or_else(|| items.get(id).map_or(0.0, |item| item.x))
        };
        if down {
            rows.iter().for_each(|row| spread(items, row, wish));
        } else {
            rows.iter().rev().for_each(|row| spread(items, row, wish));
        }
    }
}

/// The mean x of the neighbours above or below.
fn mean(items: &[Item], id: usize, above: bool) -> Option<f64> {
    let item = items.get(id)?;
    let neighbours = if above { &item.above } else { &item.below };
    let sum: f64 = neighbours.iter().filter_map(|id| items.get(*id)).map(|item| item.x).sum();
    (!neighbours.is_empty()).then(|| sum / neighbours.len() as f64)
}

/// Sets the row's items as near to their wishes as their order and widths allow: the least sum of squared distances,
/// by pooling neighbours that would overlap (isotonic regression).
fn spread(items: &mut [Item], row: &[usize], wish: impl Fn(&[Item], usize) -> f64) {
    // Distance from the first item's middle to each one's, when they stand as near as they may.
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    let mut before: Option<f64> = None;
    for id in row {
        let width = items.get(*id).map_or(0.0, |item| item.width);
        offset += before.map_or(0.0, |before| before / 2.0 + GAP + width / 2.0);
        before = Some(width);
        offsets.push(offset);
    }
    // Pools of neighbours that stand together: the sum of their wishes less offsets, and how many they are.
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(row.len());
    for (id, offset) in row.iter().zip(&offsets) {
        let mut pool = (wish(items, *id) - offset, 1);
        while let Some(last) = pools.pop_if(|last| last.0 / last.1 as f64 > pool.0 / pool.1 as f64) {
            pool = (pool.0 + last.0, pool.1 + last.1);
        }
        pools.push(pool);
    }
    let starts = pools.iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / *count as f64, *count));
    for ((id, offset), start) in row.iter().zip(&offsets).zip(starts) {
        if let Some(item) = items.get_mut(*id) {
            item.x = start + offset;
        }
    }
}
