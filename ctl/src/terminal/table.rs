use console::measure_text_width;

use super::width;

const GAP: &str = "  ";

/// The first row is the heading. On a terminal that is too narrow, cells continue on the next line; where no
/// word would fit its column any more, every row becomes a block of lines. Words stay whole.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    fit(rows, width())
}

/// Rows without a heading, as they are.
#[must_use]
pub fn columns(rows: &[Vec<String>]) -> String {
    wrapped(rows, &widest(rows, measure_text_width))
}

/// The last line of a list that goes on.
#[must_use]
pub fn left_out(has_more: bool) -> &'static str {
    if has_more { "\n... and more: see --limit" } else { "" }
}

fn fit(rows: &[Vec<String>], limit: Option<usize>) -> String {
    let widths = widest(rows, measure_text_width);
    let Some(limit) = limit.filter(|limit| sum(&widths) > *limit) else { return wrapped(rows, &widths) };
    match narrowed(widths, &widest(rows, longest_word), limit) {
        Some(widths) => wrapped(rows, &widths),
        None => blocks(rows, limit),
    }
}

fn widest(rows: &[Vec<String>], width: fn(&str) -> usize) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column)).map(|cell| width(cell));
    (0..columns).map(|column| cells(column).max().unwrap_or(0)).collect()
}

fn sum(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

/// Takes from the widest columns first. `None`: even `least` does not fit.
fn narrowed(mut widths: Vec<usize>, least: &[usize], limit: usize) -> Option<Vec<usize>> {
    while sum(&widths) > limit {
        let columns = widths.iter_mut().zip(least).filter(|(width, least)| **width > **least);
        *columns.max_by_key(|(width, _)| **width)?.0 -= 1;
    }
    Some(widths)
}

fn wrapped(rows: &[Vec<String>], widths: &[usize]) -> String {
    rows.iter().map(|row| wrapped_row(row, widths)).collect::<Vec<_>>().join("\n")
}

fn wrapped_row(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let line = |number: usize| {
        let cell = |cell: &Vec<String>| cell.get(number).cloned().unwrap_or_default();
        let padded = cells.iter().zip(widths).map(|(lines, width)| pad(&cell(lines), *width));
        padded.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    (0..height).map(line).collect::<Vec<_>>().join("\n")
}

/// `NAME  value`, a line a cell.
fn blocks(rows: &[Vec<String>], limit: usize) -> String {
    let Some((heading, rows)) = rows.split_first() else { return String::new() };
    let names = heading.iter().map(|name| measure_text_width(name)).max().unwrap_or(0);
    let widths = [names, limit.saturating_sub(names + GAP.len())];
    let block = |row: &Vec<String>| {
        let cells = heading.iter().zip(row).map(|(name, cell)| vec![name.clone(), cell.clone()]);
        wrapped(&cells.collect::<Vec<_>>(), &widths)
    };
    rows.iter().map(block).collect::<Vec<_>>().join("\n\n")
}

/// Breaks at spaces. Each line of a painted cell has its colour.
fn wrap(cell: &str, width: usize) -> Vec<String> {
    if measure_text_width(cell) <= width {
        return vec![cell.to_owned()];
    }
    let (begin, text, end) = paint_of(cell);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || measure_text_width(line) + 1 + measure_text_width(word) <= width
        });
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines.into_iter().map(|line| format!("{begin}{line}{end}")).collect()
}

fn longest_word(cell: &str) -> usize {
    paint_of(cell).1.split_whitespace().map(measure_text_width).max().unwrap_or(0)
}

/// The escape codes around a cell that is painted as a whole.
fn paint_of(cell: &str) -> (&str, &str, &str) {
    let painted = || {
        let (colour, rest) = cell.strip_prefix('\u{1b}')?.split_once('m')?;
        let (text, end) = rest.split_at(rest.rfind('\u{1b}')?);
        Some((&cell[..colour.len() + 2], text, end))
    };
    painted().unwrap_or(("", cell, ""))
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<const N: usize>(rows: &[[&str; N]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
    }

    #[test]
    fn columns_line_up() {
        let rows = rows(&[["STREAM", "N"], ["order_completed", "12"]]);
        assert_eq!(fit(&rows, None), "STREAM           N\norder_completed  12");
        assert_eq!(fit(&rows, Some(19)), fit(&rows, None));
    }

    #[test]
    fn colours_and_wide_letters_count_as_they_are_seen() {
        let rows = rows(&[["NAME", "N"], ["\u{1b}[32mok\u{1b}[0m", "1"], ["茶", "2"]]);
        assert_eq!(fit(&rows, None), "NAME  N\n\u{1b}[32mok\u{1b}[0m    1\n茶    2");
    }

    #[test]
    fn a_long_text_continues_on_the_next_line_and_an_id_stays_whole() {
        let rows = rows(&[["ID", "WHAT", "N"], ["0198c0de-1", "rows that add up", "7"]]);
        assert_eq!(
            fit(&rows, Some(24)),
            "ID          WHAT       N\n0198c0de-1  rows that  7\n            add up"
        );
    }

    #[test]
    fn a_painted_text_keeps_its_colour_on_every_line() {
        let rows = rows(&[["N", "WHAT"], ["7", "\u{1b}[31mBROKEN 3\u{1b}[0m"]]);
        assert_eq!(fit(&rows, Some(10)), "N  WHAT\n7  \u{1b}[31mBROKEN\u{1b}[0m\n   \u{1b}[31m3\u{1b}[0m");
    }

    #[test]
    fn where_no_column_can_give_way_a_row_becomes_a_block() {
        let rows = rows(&[["ID", "SUBJECT"], ["0198c0de-1", "a few words"], ["0198c0de-2", "-"]]);
        let expected =
            "ID       0198c0de-1\nSUBJECT  a few\n         words\n\nID       0198c0de-2\nSUBJECT  -";
        assert_eq!(fit(&rows, Some(16)), expected);
    }

    #[test]
    fn nothing_is_cut_where_nobody_sees_a_terminal() {
        let long = "word ".repeat(100);
        assert!(fit(&rows(&[["WHAT"], [long.trim()]]), None).contains(long.trim()));
    }
}
