//! Columns as Go's `text/tabwriter` aligns them.

/// Aligns tab-separated cells with spaces, one space between columns: `tabwriter.NewWriter(out, 0, 4, 1, ' ', 0)`.
///
/// A column is a run of lines that all have a tab-terminated cell there; the text after a line's last tab is not part
/// of any column. Widths count characters.
pub fn align(text: &str) -> String {
    const PADDING: usize = 1;
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len() - 1]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut start = 0;
        while start < lines.len() {
            let end = start + lines[start..].iter().take_while(|cells| cells.len() > column + 1).count();
            let widest =
                lines[start..end].iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
            for line in &mut widths[start..end] {
                line[column] = widest + PADDING;
            }
            start = end.max(start + 1);
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (i, (cells, widths)) in lines.iter().zip(&widths).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        for (column, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if let Some(width) = widths.get(column) {
                out.extend(std::iter::repeat_n(' ', width - cell.chars().count()));
            }
        }
    }
    out
}

/// Text for one cell: characters that would move the cursor or break the columns are replaced.
pub fn cell(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_ends_where_a_line_lacks_it() {
        assert_eq!(align("a\tb\nlong\tc\n\nx\ty\n"), "a    b\nlong c\n\nx y\n");
    }

    /// What Go's `text/tabwriter` (1.27) printed for the same text.
    #[test]
    fn every_kind_of_line() {
        let text =
            "a\tb\tc\nlonger\t\tx\n\tq\n\nno tabs\nz\tzz\t\n  é\tü\tend\nonly\n\t\t\n1\t2\t3\t4\n1\t2\n";
        assert_eq!(
            align(text),
            "a      b c\nlonger   x\n       q\n\nno tabs\nz   zz \n  é ü  end\nonly\n    \n1 2 3 4\n1 2\n"
        );
    }

    #[test]
    fn the_last_cell_is_not_padded_but_an_ended_one_is() {
        assert_eq!(align("n\tURL\t\nname\thttps://x\n"), "n    URL \nname https://x\n");
        assert_eq!(align("k\t1.0\t\nkube\t9.9.9\tName\n"), "k    1.0   \nkube 9.9.9 Name\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(cell("a\u{1b}[31m\tb\n"), "a\u{fffd}[31m\u{fffd}b\u{fffd}");
    }

    #[test]
    fn characters_count_not_bytes() {
        assert_eq!(align("é\tx\nab\ty\n"), "é  x\nab y\n");
    }
}
