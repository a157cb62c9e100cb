//! DOT, for Graphviz.

use std::fmt::Write;

use super::{Graph, GraphNode, Shape, shown};

/// The graph in DOT.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _infallible = write(graph, &mut out);
    out
}

fn write(graph: &Graph, out: &mut String) -> std::fmt::Result {
    writeln!(out, "digraph {} {{", quoted(&graph.title))?;
    writeln!(out, "  rankdir=TB;")?;
    writeln!(out, "  bgcolor=transparent;")?;
    writeln!(out, "  node [fontname=\"sans-serif\", fontsize=11, style=filled, fillcolor=white, fontcolor=black];")?;
    writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=10, color=gray50, fontcolor=gray40];")?;
    for (number, stage) in graph.stages.iter().enumerate() {
        let indent = if let Some(title) = &stage.title {
            writeln!(out, "  subgraph cluster_{number} {{")?;
            writeln!(out, "    label={}; style=rounded; color=gray50; fontcolor=gray40;", quoted(title))?;
            "    "
        } else {
            "  "
        };
        for (id, node) in (stage.from..).zip(graph.nodes.get(stage.from..stage.to).unwrap_or_default()) {
            writeln!(out, "{indent}n{id} [label={}, {}];", text(node), style(node.shape))?;
        }
        if stage.title.is_some() {
            writeln!(out, "  }}")?;
        }
    }
    for edge in &graph.edges {
        match &edge.label {
            Some(label) => {
                let style = if edge.dashed { ", style=dashed" } else { "" };
                writeln!(out, "  n{} -> n{} [label={}{style}];", edge.from, edge.to, quoted(label))?;
            }
            None => writeln!(out, "  n{} -> n{};", edge.from, edge.to)?,
        }
    }
    writeln!(out, "}}")
}

fn text(node: &GraphNode) -> String {
    match &node.detail {
        Some(detail) => format!("\"{}\\n{}\"", escaped(&node.label), escaped(detail)),
        None => quoted(&node.label),
    }
}

fn style(shape: Shape) -> &'static str {
    match shape {
        Shape::Start => "shape=circle, style=filled, fillcolor=gray90",
        Shape::Block => "shape=box",
        Shape::Prompt => "shape=box, color=\"#3b82f6\", penwidth=2",
        Shape::Decision => "shape=diamond",
        Shape::Condition => "shape=hexagon",
        Shape::Flow => "shape=box, peripheries=2",
        Shape::Action => "shape=component",
        Shape::Good => "shape=box, style=\"rounded,filled\", color=\"#2e8b57\", penwidth=2",
        Shape::Deny => "shape=box, style=\"rounded,filled\", color=\"#d04545\", penwidth=2",
        Shape::Empty => "shape=plaintext, style=\"\", fontcolor=gray50",
        Shape::Broken => "shape=box, style=dashed, fontcolor=gray40",
        Shape::End => "shape=doublecircle",
    }
}

fn quoted(label: &str) -> String {
    format!("\"{}\"", escaped(label))
}

fn escaped(label: &str) -> String {
    shown(label).replace('\\', "\\\\").replace('"', "\\\"")
}
