//! Graphs of flows: the three formats of one flow, and what hostile names do to them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use admit_compiler::ast::{Flow, ItemKind};
use admit_compiler::graph::{dot, graph, mermaid, svg};
use admit_compiler::library::Library;
use admit_compiler::parse::parse;
use admit_compiler::source::FileId;
use admit_compiler::typed::action::Actions;

const LIBRARY: &str = "
block deny in terminal { effects ends }
block allow in terminal { effects ends }
block issue_session in session { effects mints, ends }
block ask in auth { effects prompts  prompt { code: string } }
";

const FLOW: &str = r#"
system flow login "A <b>\"login\"</b>" {
  stage first "First" {
    ask as who
    decision result {
      when step.who.verified -> good
      when step.who.locked -> locked { deny { reason: "locked" } }
      when step.who.odd -> odd
      default -> wrong { deny { reason: "wrong" } }
    }
  }
  stage middle { }
  stage last {
    run flow gate
    issue_session
    note
  }
}
"#;

fn flow(text: &str) -> Flow {
    let parsed = parse(FileId(0), text);
    let mut flows = parsed.file.items.into_iter().filter_map(|item| match item.kind {
        ItemKind::Flow(flow) => Some(flow),
        _ => None,
    });
    flows.next().unwrap()
}

fn library() -> Library {
    let (library, diagnostics) = Library::load(&[("library.admit", LIBRARY)]);
    assert_eq!(diagnostics, []);
    library
}

#[test]
fn mermaid_has_stages_branches_and_ends() {
    let expected = r#"flowchart TD
  n0(["login"])
  subgraph stage1["First"]
    n1["who<br/>ask"]:::asks
    n2{"result"}
    n3(["deny<br/>locked"]):::deny
    n4(["deny<br/>wrong"]):::deny
  end
  subgraph stage2["middle"]
    n5["no steps"]
  end
  subgraph stage3["last"]
    n6[["gate<br/>custom flow"]]
    n7(["issue_session"]):::good
    n8["note"]
  end
  n9(["end"])
  n0 --> n1
  n1 --> n2
  n2 -- "locked" --> n3
  n2 -- "wrong" --> n4
  n2 -- "good / odd" --> n5
  n5 --> n6
  n6 --> n7
  n7 --> n8
  n8 --> n9
  classDef good stroke:#2e8b57,stroke-width:2px
  classDef deny stroke:#d04545,stroke-width:2px
  classDef asks stroke:#3b82f6,stroke-width:2px
"#;
    assert_eq!(mermaid(&graph(&flow(FLOW), &library(), &Actions::new())), expected);
}

#[test]
fn dot_quotes_what_it_is_given() {
    let text = dot(&graph(&flow(FLOW), &library(), &Actions::new()));
    assert!(text.starts_with("digraph \"A <b>\\\"login\\\"</b>\" {\n"), "{text}");
    assert!(text.contains("n3 [label=\"deny\\nlocked\", shape=box"), "{text}");
    assert!(text.contains("n2 -> n5 [label=\"good / odd\"];"), "{text}");
}

#[test]
fn svg_is_well_formed_and_every_text_lies_in_the_drawing() {
    let text = svg(&graph(&flow(FLOW), &library(), &Actions::new()));
    assert!(text.starts_with("<svg xmlns=") && text.ends_with("</svg>\n"), "{text}");
    assert!(text.contains("aria-label=\"A &lt;b&gt;&quot;login&quot;&lt;/b&gt;\""), "{text}");
    assert_eq!(text.matches("<text").count(), text.matches("</text>").count());
    let size = attribute(&text, "width");
    for line in text.lines().filter(|line| line.starts_with("<text")) {
        let (x, length) = (attribute(line, "x"), attribute(line, "textLength"));
        let left = if line.contains("class=\"title\"") { x } else { x - length / 2.0 };
        assert!(left >= 0.0 && left + length <= size, "{line}");
    }
}

#[test]
fn boxes_and_labels_of_an_svg_do_not_cover_each_other() {
    let branches: String =
        (0..9).map(|n| format!("when x == {n} -> branch-number-{n} {{ deny {{ reason: \"r{n}\" }} }}\n")).collect();
    let source = format!(
        "custom flow wide {{ stage s {{ decision d {{ {branches} default -> rest }} decision e {{ when y -> a {{ ask }} \
         when z -> b {{ ask as other }} default -> c }} allow }} }}"
    );
    let text = svg(&graph(&flow(&source), &library(), &Actions::new()));
    let boxes: Vec<[f64; 4]> = text
        .lines()
        .filter(|line| {
            line.starts_with("<rect") && !line.contains("stage") && !line.contains("inner") && line.contains(" x=")
        })
        .map(|line| [attribute(line, "x"), attribute(line, "y"), attribute(line, "width"), attribute(line, "height")])
        .collect();
    assert!(boxes.len() > 20, "{}", boxes.len());
    for (at, one) in boxes.iter().enumerate() {
        for other in &boxes[at + 1..] {
            let apart = one[0] + one[2] <= other[0]
                || other[0] + other[2] <= one[0]
                || one[1] + one[3] <= other[1]
                || other[1] + other[3] <= one[1];
            assert!(apart, "{one:?} {other:?}");
        }
    }
}

#[test]
fn a_flow_of_a_thousand_steps_is_drawn_in_time() {
    let steps: String = (0..500)
        .map(|n| {
            format!(
                "decision d{n} {{ when a -> x {{ ask }} when b -> y {{ deny {{ reason: \"r\" }} }} default -> z }}\n"
            )
        })
        .collect();
    let text =
        svg(&graph(&flow(&format!("custom flow long {{ stage s {{ {steps} }} }}")), &library(), &Actions::new()));
    assert!(text.len() > 100_000);
}

fn attribute(line: &str, name: &str) -> f64 {
    let start = line.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    line[start..].split('"').next().unwrap().parse().unwrap()
}

#[test]
fn what_an_action_may_demand_hangs_on_a_dashed_edge() {
    let library = library();
    let source = "custom flow ask { stage s { run action tag@1.2.0 as tag-it run action tag@1.3.0 allow } }";
    let declared = |version: &str, more: &str| {
        let text = format!("action tag {{ version \"{version}\" source \"a.js\" triggers login.first {more} }}");
        (format!("actions/tag/{version}/action.admit"), text)
    };
    let mut files = vec![declared("1.2.0", "effects prompts"), declared("1.3.0", "")];
    files.extend(["1.2.0", "1.3.0"].map(|version| (format!("actions/tag/{version}/a.js"), String::new())));
    let (project, _) = admit_compiler::project::Project::read(&library, &files);
    let checked = admit_compiler::check::check(&project, &library);
    assert_eq!(checked.actions.len(), 2);
    let graph = graph(&flow(source), &library, &checked.actions);
    let text = mermaid(&graph);
    for line in [
        "    n1[[\"tag-it<br/>action tag@1.2.0\"]]",
        "    n2[\"tag-it-mfa<br/>mfa\"]:::asks",
        "  n1 -. \"demands\" .-> n2",
        "  n1 --> n3",
        "  n2 --> n3",
        "    n3[[\"tag<br/>action tag@1.3.0\"]]",
        "  n3 --> n4",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert!(dot(&graph).contains("n1 -> n2 [label=\"demands\", style=dashed];"));
    assert!(svg(&graph).contains("class=\"edge dashed\""));
}
