//! Tables that scan: the first column names the row, columns without content are left out.

use maud::{Markup, html};

/// A table being filled.
pub(super) struct Table {
    caption: &'static str,
    columns: Vec<&'static str>,
    rows: Vec<Row>,
}

/// One row; `danger` marks it in words as well as in colour.
pub(super) struct Row {
    pub(super) danger: bool,
    pub(super) cells: Vec<Markup>,
}

impl Table {
    pub(super) fn new(caption: &'static str, columns: &[&'static str]) -> Self {
        Self { caption, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, danger: bool, cells: Vec<Markup>) {
        self.rows.push(Row { danger, cells });
    }

    /// The table as HTML in a region that scrolls by keyboard; nothing where there is no row. `anchor` is unique on
    /// the page.
    pub(super) fn render(&self, anchor: &str) -> Markup {
        if self.rows.is_empty() {
            return html! {};
        }
        let filled = |column: usize| {
            self.rows.iter().any(|row| row.cells.get(column).is_some_and(|cell| !cell.0.is_empty()))
        };
        let shown: Vec<usize> =
            (0..self.columns.len()).filter(|column| *column == 0 || filled(*column)).collect();
        let caption = format!("{anchor}-table");
        html! {
            div.scroll.coded role="region" aria-labelledby=(caption) tabindex="0" {
                table {
                    caption id=(caption) { (self.caption) }
                    thead {
                        tr { @for column in &shown { th scope="col" { (self.columns.get(*column).copied().unwrap_or_default()) } } }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr.danger[row.danger] {
                                @for column in &shown {
                                    @let cell = row.cells.get(*column).filter(|cell| !cell.0.is_empty());
                                    @if *column == 0 {
                                        th scope="row" {
                                            @if let Some(cell) = cell { (cell) } @else { "Not named" }
                                        }
                                    } @else {
                                        td { @if let Some(cell) = cell { (cell) } @else { span.none { "–" } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
