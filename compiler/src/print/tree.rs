//! A tree of words in parentheses: short ones on one line, long ones with a child a line.

/// A word, or a head with children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    head: String,
    children: Vec<Tree>,
}

/// Columns before a tree is broken over lines.
const WIDTH: usize = 100;

/// A word without children.
pub fn leaf(head: impl Into<String>) -> Tree {
    Tree { head: head.into(), children: Vec::new() }
}

/// A head with children.
pub fn node(head: impl Into<String>, children: impl IntoIterator<Item = Tree>) -> Tree {
    Tree { head: head.into(), children: children.into_iter().collect() }
}

/// A string in quotes, with its control characters escaped.
pub fn quoted(text: &str) -> Tree {
    leaf(format!("{text:?}"))
}

impl Tree {
    /// The same with one more child.
    pub fn with(mut self, child: Tree) -> Tree {
        self.children.push(child);
        self
    }

    /// The same with more children.
    pub fn with_all(mut self, children: impl IntoIterator<Item = Tree>) -> Tree {
        self.children.extend(children);
        self
    }

    /// The text, ending in a line end.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out.push('\n');
        out
    }

    fn write(&self, indent: usize, out: &mut String) {
        if let Some(line) = self.flat(WIDTH.saturating_sub(indent)) {
            out.push_str(&line);
            return;
        }
        out.push('(');
        out.push_str(&self.head);
        for child in &self.children {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            child.write(indent + 2, out);
        }
        out.push(')');
    }

    /// On one line, if it fits.
    fn flat(&self, room: usize) -> Option<String> {
        if self.children.is_empty() {
            return Some(self.head.clone());
        }
        let mut line = format!("({}", self.head);
        for child in &self.children {
            line.push(' ');
            line.push_str(&child.flat(room.checked_sub(line.len())?)?);
        }
        line.push(')');
        (line.len() <= room).then_some(line)
    }
}
