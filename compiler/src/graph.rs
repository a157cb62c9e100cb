//! A flow as a graph, as it is written: stages, steps, branches, and where each ends. Printed as Mermaid, DOT or SVG.

mod dot;
mod layered;
mod mermaid;
mod svg;

use admit_plan::bundle::FACTOR;
use semver::Version;

use crate::ast::{Flow, RunAction, Stage, Step, StepKind};
use crate::library::Library;
use crate::typed::action::Actions;

pub use dot::dot;
pub use mermaid::mermaid;
pub use svg::svg;

/// A flow as nodes and edges. Edges go to later nodes only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// The flow's title, or its name.
    pub title: String,
    /// The beginning, then the stages in order, then the end if a path falls off it: each a run of nodes.
    pub stages: Vec<GraphStage>,
    /// Nodes in the order of the source.
    pub nodes: Vec<GraphNode>,
    /// Edges; at most one between two nodes.
    pub edges: Vec<GraphEdge>,
}

/// A stage: `nodes[from..to]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphStage {
    /// Its title, or its name; none for the beginning and the end, which are no stages.
    pub title: Option<String>,
    /// First node.
    pub from: usize,
    /// Node after the last.
    pub to: usize,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphNode {
    /// Its label.
    pub label: String,
    /// More about it: the block type where the label differs, a reason, a version.
    pub detail: Option<String>,
    /// What it is.
    pub shape: Shape,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The beginning.
    Start,
    /// A block.
    Block,
    /// A block that waits for the user.
    Prompt,
    /// A decision.
    Decision,
    /// A condition.
    Condition,
    /// `run flow`
    Flow,
    /// `run action`
    Action,
    /// A terminal that ends well, or settles the outcome.
    Good,
    /// `deny`
    Deny,
    /// A stage without steps.
    Empty,
    /// A step that did not parse.
    Broken,
    /// The end of the flow, after its last step.
    End,
}

/// An edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphEdge {
    /// From which node.
    pub from: usize,
    /// To which; greater.
    pub to: usize,
    /// The branches that it stands for.
    pub label: Option<String>,
    /// Code decides at run time whether it is taken: an Action may demand a second factor.
    pub dashed: bool,
}

/// The graph of a flow. What a block is comes from the library, what an Action may demand from its declaration; an
/// unknown one is drawn as a block.
pub fn graph(flow: &Flow, library: &Library, actions: &Actions) -> Graph {
    let title = flow.title.as_ref().map_or(flow.name.text.as_str(), |title| &title.value);
    let mut build =
        Build { library, actions, graph: Graph { title: title.to_owned(), ..Graph::default() }, system: flow.system };
    build.graph.stages.push(GraphStage { title: None, from: 0, to: 1 });
    let start = build.node(&flow.name.text, None, Shape::Start, Vec::new());
    let mut holes = vec![Hole { from: start, label: None }];
    for stage in &flow.stages {
        holes = build.stage(stage, holes);
    }
    if !holes.is_empty() {
        let from = build.graph.nodes.len();
        build.graph.stages.push(GraphStage { title: None, from, to: from + 1 });
        build.node("end", None, Shape::End, holes);
    }
    build.graph
}

/// An edge that leads to whatever comes next.
struct Hole {
    from: usize,
    label: Option<String>,
}

struct Build<'a> {
    library: &'a Library,
    actions: &'a Actions,
    graph: Graph,
    system: bool,
}

impl Build<'_> {
    fn stage(&mut self, stage: &Stage, holes: Vec<Hole>) -> Vec<Hole> {
        let from = self.graph.nodes.len();
        let onward = if stage.steps.is_empty() {
            let empty = self.node("no steps", None, Shape::Empty, holes);
            vec![Hole { from: empty, label: None }]
        } else {
            self.steps(&stage.steps, holes)
        };
        let title = stage.title.as_ref().map_or(stage.name.text.as_str(), |title| &title.value).to_owned();
        let to = self.graph.nodes.len();
        self.graph.stages.push(GraphStage { title: Some(title), from, to });
        onward
    }

    fn steps(&mut self, steps: &[Step], mut holes: Vec<Hole>) -> Vec<Hole> {
        for step in steps {
            holes = self.step(step, holes);
        }
        holes
    }

    fn step(&mut self, step: &Step, holes: Vec<Hole>) -> Vec<Hole> {
        let id = match &step.kind {
            StepKind::Block(block) => {
                let known = self.library.block(&block.ty.text);
                let label = block.label.as_ref().map(|label| label.text.as_str());
                let reason = block.config.as_ref().and_then(reason);
                let detail = reason.or_else(|| label.map(|_| block.ty.text.to_string()));
                let shape = match known {
                    Some(known) if known.is_terminal() && known.name == "deny" => Shape::Deny,
                    Some(known) if known.is_terminal() => Shape::Good,
                    Some(known) if known.effects.prompts => Shape::Prompt,
                    Some(_) | None => Shape::Block,
                };
                let id = self.node(label.unwrap_or(&block.ty.text), detail, shape, holes);
                if known.is_some_and(|known| known.is_terminal() && !(self.system && known.settles())) {
                    return Vec::new();
                }
                id
            }
            StepKind::RunAction(run) => {
                let name = run.label.as_ref().unwrap_or(&run.slug);
                let detail = format!("action {}@{}", run.slug.text, run.version.text);
                let id = self.node(&name.text, Some(detail), Shape::Action, holes);
                if self.may_demand(run) {
                    let demands = vec![Hole { from: id, label: Some("demands".to_owned()) }];
                    let label = format!("{}-mfa", name.text);
                    let factor = self.node(&label, Some(FACTOR.to_owned()), Shape::Prompt, demands);
                    if let Some(edge) = self.graph.edges.last_mut() {
                        edge.dashed = true;
                    }
                    return vec![Hole { from: id, label: None }, Hole { from: factor, label: None }];
                }
                id
            }
            StepKind::RunFlow(run) => self.node(&run.slug.text, Some("custom flow".to_owned()), Shape::Flow, holes),
            StepKind::Condition(condition) => {
                self.node(&condition.name.text, Some("condition".to_owned()), Shape::Condition, holes)
            }
            StepKind::Broken => self.node("not readable", None, Shape::Broken, holes),
            StepKind::Decision(decision) => {
                let id = self.node(&decision.name.text, None, Shape::Decision, holes);
                let mut onward = Vec::new();
                for case in &decision.cases {
                    let hole = vec![Hole { from: id, label: Some(case.branch.text.to_string()) }];
                    onward.extend(self.steps(case.steps.as_deref().unwrap_or(&[]), hole));
                }
                if decision.cases.is_empty() {
                    onward.push(Hole { from: id, label: None });
                }
                return onward;
            }
        };
        vec![Hole { from: id, label: None }]
    }

    fn may_demand(&self, run: &RunAction) -> bool {
        let version = Version::parse(&run.version.text).ok();
        let action = version.and_then(|version| self.actions.get(&(run.slug.text.clone(), version)));
        action.is_some_and(|action| action.prompts)
    }

    /// Adds a node where `holes` lead; several edges from one node are one edge with all their labels.
    fn node(&mut self, label: &str, detail: Option<String>, shape: Shape, holes: Vec<Hole>) -> usize {
        let to = self.graph.nodes.len();
        let first = self.graph.edges.len();
        for hole in holes {
            let added = self.graph.edges.get_mut(first..).unwrap_or_default();
            match added.iter_mut().find(|edge| edge.from == hole.from) {
                Some(edge) => {
                    let labels = edge.label.take().into_iter().chain(hole.label).collect::<Vec<_>>();
                    edge.label = (!labels.is_empty()).then(|| labels.join(" / "));
                }
                None => self.graph.edges.push(GraphEdge { from: hole.from, to, label: hole.label, dashed: false }),
            }
        }
        self.graph.nodes.push(GraphNode { label: label.to_owned(), detail, shape });
        to
    }
}

/// The reason of a `deny`, where it is written out.
fn reason(config: &crate::ast::Config) -> Option<String> {
    use crate::ast::ConfigValue;
    use crate::ast::expr::{Expr, ExprKind};
    let field = config.fields.iter().find(|field| field.name.text == "reason")?;
    match &field.value {
        ConfigValue::Expr(Expr { kind: ExprKind::Str(text), .. }) => Some(text.to_string()),
        ConfigValue::Expr(_) | ConfigValue::Type(_) => None,
    }
}

/// What a label may show: no control or direction-changing characters, and no more than fits a box.
fn shown(text: &str) -> String {
    const MOST: usize = 48;
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut line: String = text.chars().map(|letter| if hidden(letter) { ' ' } else { letter }).take(MOST).collect();
    if text.chars().nth(MOST).is_some() {
        line.pop();
        line.push('\u{2026}');
    }
    line
}
