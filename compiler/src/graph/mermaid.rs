//! Mermaid flowcharts, as Markdown readers draw them.

use std::fmt::Write;

use super::{Graph, GraphNode, Shape, shown};

/// The graph as a Mermaid flowchart.
pub fn mermaid(graph: &Graph) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _infallible = write(graph, &mut out);
    out
}

fn write(graph: &Graph, out: &mut String) -> std::fmt::Result {
    writeln!(out, "flowchart TD")?;
    for (number, stage) in graph.stages.iter().enumerate() {
        let indent = if let Some(title) = &stage.title {
            writeln!(out, "  subgraph stage{number}[\"{}\"]", escaped(title))?;
            "    "
        } else {
            "  "
        };
        for (id, node) in (stage.from..).zip(graph.nodes.get(stage.from..stage.to).unwrap_or_default()) {
            let (open, close) = brackets(node.shape);
            writeln!(out, "{indent}n{id}{open}\"{}\"{close}{}", text(node), class(node.shape))?;
        }
        if stage.title.is_some() {
            writeln!(out, "  end")?;
        }
    }
    for edge in &graph.edges {
        match &edge.label {
            Some(label) if edge.dashed => {
                writeln!(out, "  n{} -. \"{}\" .-> n{}", edge.from, escaped(label), edge.to)?;
            }
            Some(label) => writeln!(out, "  n{} -- \"{}\" --> n{}", edge.from, escaped(label), edge.to)?,
            None => writeln!(out, "  n{} --> n{}", edge.from, edge.to)?,
        }
    }
    // Strokes only: fills and text stay those of the reader's theme, light or dark.
    writeln!(out, "  classDef good stroke:#2e8b57,stroke-width:2px")?;
    writeln!(out, "  classDef deny stroke:#d04545,stroke-width:2px")?;
    writeln!(out, "  classDef asks stroke:#3b82f6,stroke-width:2px")
}

fn text(node: &GraphNode) -> String {
    match &node.detail {
        Some(detail) => format!("{}<br/>{}", escaped(&node.label), escaped(detail)),
        None => escaped(&node.label),
    }
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Start | Shape::Good | Shape::Deny | Shape::End => ("([", "])"),
        Shape::Block | Shape::Prompt | Shape::Empty | Shape::Broken => ("[", "]"),
        Shape::Decision => ("{", "}"),
        Shape::Condition => ("{{", "}}"),
        Shape::Flow | Shape::Action => ("[[", "]]"),
    }
}

fn class(shape: Shape) -> &'static str {
    match shape {
        Shape::Good => ":::good",
        Shape::Deny => ":::deny",
        Shape::Prompt => ":::asks",
        Shape::Start
        | Shape::Block
        | Shape::Decision
        | Shape::Condition
        | Shape::Flow
        | Shape::Action
        | Shape::Empty
        | Shape::Broken
        | Shape::End => "",
    }
}

/// In quotes Mermaid takes everything but quotes, its own entities and HTML.
fn escaped(label: &str) -> String {
    let mut out = String::new();
    for letter in shown(label).chars() {
        match letter {
            '"' | '#' | '&' | '<' | '>' | ';' | '`' | '\\' => {
                out.push_str(&format!("#{};", u32::from(letter)));
            }
            _ => out.push(letter),
        }
    }
    out
}
