//! SVG with its own layout: one self-contained file that reads well on light and dark pages.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::layered::{Kind, Layout, layout};
use super::{Graph, GraphNode, Shape, shown};

/// Height of a line of text, of the space above and below it in a box, and between two rows.
const LINE: f64 = 16.0;
const PAD: f64 = 9.0;
const ROW_GAP: f64 = 18.0;
/// Width of a letter of the labels (13 px monospace), and of the smaller details and edge labels (11 px).
const LETTER: f64 = 7.9;
const SMALL: f64 = 6.7;
/// Space around the drawing, and between a stage's frame and what is in it.
const MARGIN: f64 = 20.0;
const FRAME: f64 = 16.0;

/// The graph as an SVG document.
pub fn svg(graph: &Graph) -> String {
    let layout = layout(graph, |kind| match kind {
        Kind::Node(id) => graph.nodes.get(id).map_or(0.0, box_width),
        Kind::Label(id) => graph
            .edges
            .get(id)
            .and_then(|edge| edge.label.as_ref())
            .map_or(0.0, |label| width(&shown(label), SMALL) + 8.0),
        Kind::Way(_) => 2.0,
    });
    let mut out = String::new();
    // Writing to a string does not fail.
    let _infallible = Drawing::new(graph, &layout).write(&mut out);
    out
}

struct Drawing<'a> {
    graph: &'a Graph,
    layout: &'a Layout,
    /// Top and height of each row.
    rows: Vec<(f64, f64)>,
    /// Added to every x.
    shift: f64,
    size: (f64, f64),
}

impl<'a> Drawing<'a> {
    fn new(graph: &'a Graph, layout: &'a Layout) -> Self {
        let mut heights: Vec<f64> = vec![0.0; layout.rows];
        for item in &layout.items {
            let height = match item.kind {
                Kind::Node(id) => graph.nodes.get(id).map_or(0.0, box_height),
                Kind::Label(_) => LINE,
                Kind::Way(_) => 0.0,
            };
            if let Some(row) = heights.get_mut(item.row) {
                *row = row.max(height);
            }
        }
        let mut top = MARGIN;
        let mut rows = Vec::with_capacity(heights.len());
        for height in heights {
            // The row between two stages holds their frames and the title of the second.
            let height = if height == 0.0 { 1.5 * LINE } else { height };
            rows.push((top, height));
            top += height + ROW_GAP;
        }
        let left = layout.items.iter().map(|item| item.x - item.width / 2.0).fold(0.0, f64::min);
        let right = layout.items.iter().map(|item| item.x + item.width / 2.0).fold(0.0, f64::max);
        let titles = graph.stages.iter().filter_map(|stage| stage.title.as_ref());
        let widest = titles.map(|title| width(&shown(title), SMALL) + 2.0 * FRAME).fold(right - left, f64::max);
        let shift = MARGIN + FRAME - left;
        let size = (widest + 2.0 * (MARGIN + FRAME), top - ROW_GAP + MARGIN);
        Self { graph, layout, rows, shift, size }
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (width, height) = self.size;
        let title = escaped(&self.graph.title);
        writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" role=\"img\" aria-label=\"{title}\">"
        )?;
        writeln!(out, "<title>{title}</title>")?;
        out.push_str(STYLE);
        writeln!(out, "<rect class=\"page\" width=\"100%\" height=\"100%\"/>")?;
        self.frames(out)?;
        self.edges(out)?;
        for item in &self.layout.items {
            match item.kind {
                Kind::Node(id) => {
                    if let Some(node) = self.graph.nodes.get(id) {
                        self.node(out, node, item.x + self.shift, item.row)?;
                    }
                }
                Kind::Label(id) => {
                    let label = self.graph.edges.get(id).and_then(|edge| edge.label.as_ref());
                    let (x, y) = (item.x + self.shift, self.middle(item.row));
                    let text = shown(label.map_or("", |label| label));
                    let half = item.width / 2.0;
                    writeln!(
                        out,
                        "<rect class=\"page\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{LINE}\"/>",
                        x - half,
                        y - LINE / 2.0,
                        item.width
                    )?;
                    self.text(out, "small", x, y, &text, SMALL)?;
                }
                Kind::Way(_) => {}
            }
        }
        writeln!(out, "</svg>")
    }

    fn frames(&self, out: &mut String) -> std::fmt::Result {
        for stage in &self.graph.stages {
            let Some(title) = &stage.title else { continue };
            let inside = self.layout.items.get(stage.from..stage.to).unwrap_or_default();
            let (Some(first), Some(last)) =
                (inside.iter().map(|item| item.row).min(), inside.iter().map(|item| item.row).max())
            else {
                continue;
            };
            let top = self.top(first) - LINE - FRAME / 2.0;
            let bottom = self.rows.get(last).map_or(0.0, |(top, height)| top + height) + FRAME / 2.0;
            let (x, width) = (MARGIN, self.size.0 - 2.0 * MARGIN);
            let height = bottom - top;
            writeln!(
                out,
                "<rect class=\"stage\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"8\"/>"
            )?;
            let text = shown(title);
            let length = self::width(&text, SMALL);
            let (x, y) = (x + 10.0, top + LINE * 0.75);
            writeln!(
                out,
                "<text class=\"title\" x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\">{}</text>",
                escaped(&text)
            )?;
        }
        Ok(())
    }

    fn edges(&self, out: &mut String) -> std::fmt::Result {
        for (edge, ways) in self.graph.edges.iter().zip(&self.layout.ways) {
            let (Some(from), Some(to)) = (self.layout.items.get(edge.from), self.layout.items.get(edge.to)) else {
                continue;
            };
            let start = self.graph.nodes.get(edge.from).map_or(0.0, box_height) / 2.0;
            let end = self.graph.nodes.get(edge.to).map_or(0.0, box_height) / 2.0;
            let mut at = (from.x + self.shift, self.middle(from.row) + start);
            let class = if edge.dashed { "edge dashed" } else { "edge" };
            write!(out, "<path class=\"{class}\" d=\"M{:.1} {:.1}", at.0, at.1)?;
            let passed = ways.iter().filter_map(|way| self.layout.items.get(*way));
            let passed = passed.map(|way| (way.x + self.shift, self.middle(way.row)));
            for next in passed.chain([(to.x + self.shift, self.middle(to.row) - end - 5.0)]) {
                let half = (at.1 + next.1) / 2.0;
                write!(out, " C{:.1} {half:.1} {:.1} {half:.1} {:.1} {:.1}", at.0, next.0, next.0, next.1)?;
                at = next;
            }
            writeln!(out, "\"/>")?;
            let (x, y) = (at.0, at.1 + 5.0);
            let (left, right, above) = (x - 4.0, x + 4.0, y - 7.0);
            writeln!(
                out,
                "<path class=\"head\" d=\"M{x:.1} {y:.1} L{left:.1} {above:.1} L{right:.1} {above:.1} Z\"/>"
            )?;
        }
        Ok(())
    }

    fn node(&self, out: &mut String, node: &GraphNode, x: f64, row: usize) -> std::fmt::Result {
        let (width, height) = (box_width(node), box_height(node));
        let y = self.middle(row);
        let (left, top) = (x - width / 2.0, y - height / 2.0);
        let (right, bottom) = (x + width / 2.0, y + height / 2.0);
        let class = class(node.shape);
        match node.shape {
            Shape::Decision | Shape::Condition => writeln!(
                out,
                "<polygon class=\"{class}\" points=\"{left:.1},{y:.1} {:.1},{top:.1} {:.1},{top:.1} {right:.1},{y:.1} \
                 {:.1},{bottom:.1} {:.1},{bottom:.1}\"/>",
                left + SLANT,
                right - SLANT,
                right - SLANT,
                left + SLANT
            )?,
            Shape::Start | Shape::Good | Shape::Deny | Shape::End => {
                rect(out, class, (left, top), (width, height), height / 2.0)?;
            }
            Shape::Flow | Shape::Action => {
                rect(out, class, (left, top), (width, height), 4.0)?;
                rect(out, "inner", (left + 3.0, top + 3.0), (width - 6.0, height - 6.0), 2.0)?;
            }
            Shape::Block | Shape::Prompt | Shape::Empty | Shape::Broken => {
                rect(out, class, (left, top), (width, height), 4.0)?;
            }
        }
        let label = shown(&node.label);
        match &node.detail {
            Some(detail) => {
                self.text(out, "label", x, y - LINE / 2.0, &label, LETTER)?;
                self.text(out, "small", x, y + LINE / 2.0, &shown(detail), SMALL)
            }
            None => self.text(out, "label", x, y, &label, LETTER),
        }
    }

    /// Text around a point. Its length is stated, so that it fits its box with any font.
    fn text(&self, out: &mut String, class: &str, x: f64, y: f64, text: &str, letter: f64) -> std::fmt::Result {
        let length = width(text, letter);
        writeln!(
            out,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" \
             lengthAdjust=\"spacingAndGlyphs\">{}</text>",
            y + 4.0,
            escaped(text)
        )
    }

    fn top(&self, row: usize) -> f64 {
        self.rows.get(row).map_or(0.0, |(top, _)| *top)
    }

    fn middle(&self, row: usize) -> f64 {
        self.rows.get(row).map_or(0.0, |(top, height)| top + height / 2.0)
    }
}

/// How far the ends of decisions and conditions are pointed.
const SLANT: f64 = 12.0;

/// Colours by the reader's scheme: text and lines keep their contrast on both.
/// Every colour stands twice: viewers without custom properties skip the second.
const STYLE: &str = "<style>\
svg{--page:#ffffff;--ink:#1f2328;--soft:#59636e;--line:#818b98;--box:#f6f8fa;--good:#1a7f37;--deny:#cf222e;--asks:#0969da}\
@media(prefers-color-scheme:dark){svg{--page:#0d1117;--ink:#f0f6fc;--soft:#9198a1;--line:#656c76;--box:#151b23;\
--good:#3fb950;--deny:#f85149;--asks:#4493f8}}\
text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;text-anchor:middle;fill:#1f2328;fill:var(--ink);font-size:13px}\
.small,.title{font-size:11px;fill:#59636e;fill:var(--soft)}.title{text-anchor:start}.page{fill:#ffffff;fill:var(--page)}\
.stage{fill:none;stroke:#818b98;stroke:var(--line);stroke-dasharray:4 3}.edge{fill:none;stroke:#818b98;stroke:var(--line);stroke-width:1.3}\
.dashed{stroke-dasharray:5 4}.head{fill:#818b98;fill:var(--line)}.box{fill:#f6f8fa;fill:var(--box);stroke:#818b98;stroke:var(--line)}.inner{fill:none;stroke:#818b98;stroke:var(--line)}\
.good{fill:#f6f8fa;fill:var(--box);stroke:#1a7f37;stroke:var(--good);stroke-width:2}.deny{fill:#f6f8fa;fill:var(--box);stroke:#cf222e;stroke:var(--deny);stroke-width:2}\
.asks{fill:#f6f8fa;fill:var(--box);stroke:#0969da;stroke:var(--asks);stroke-width:2}.empty{fill:none;stroke:none}\
.broken{fill:none;stroke:#cf222e;stroke:var(--deny);stroke-dasharray:3 3}</style>\n";

fn rect(out: &mut String, class: &str, at: (f64, f64), size: (f64, f64), round: f64) -> std::fmt::Result {
    let ((x, y), (width, height)) = (at, size);
    writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.1}\"/>"
    )
}

fn class(shape: Shape) -> &'static str {
    match shape {
        Shape::Start | Shape::Block | Shape::Decision | Shape::Condition | Shape::Flow | Shape::Action | Shape::End => {
            "box"
        }
        Shape::Prompt => "asks",
        Shape::Good => "good",
        Shape::Deny => "deny",
        Shape::Empty => "empty",
        Shape::Broken => "broken",
    }
}

fn box_width(node: &GraphNode) -> f64 {
    let detail = node.detail.as_ref().map_or(0.0, |detail| width(&shown(detail), SMALL));
    let ends = match node.shape {
        Shape::Decision | Shape::Condition => 2.0 * SLANT,
        Shape::Start
        | Shape::Block
        | Shape::Prompt
        | Shape::Flow
        | Shape::Action
        | Shape::Good
        | Shape::Deny
        | Shape::Empty
        | Shape::Broken
        | Shape::End => 0.0,
    };
    width(&shown(&node.label), LETTER).max(detail) + 2.0 * PAD + ends + 4.0
}

fn box_height(node: &GraphNode) -> f64 {
    let lines = if node.detail.is_some() { 2.0 } else { 1.0 };
    lines * LINE + 2.0 * PAD
}

fn width(text: &str, letter: f64) -> f64 {
    text.width() as f64 * letter
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in shown(text).chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}
