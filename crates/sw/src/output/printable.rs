//! Text from steps as a terminal may show it: colours stay, whatever else could move the cursor, rename the window or
//! answer in the user's name does not.

/// `line` without control characters but tabs and colours (`ESC [ … m`).
pub fn printable(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_control() && c != '\t') {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let colour = colour(rest);
        shown.push_str(&rest[..colour]);
        // One that is no colour is left out; what follows it is text.
        let skip = if colour > 0 { colour } else { rest.chars().next().map_or(0, char::len_utf8) };
        rest = &rest[skip..];
    }
    shown.push_str(rest);
    shown
}

/// Length of the colour sequence that `text` begins with, or 0.
fn colour(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    match parameters.find(|c: char| !c.is_ascii_digit() && c != ';') {
        Some(end) if parameters[end..].starts_with('m') => "\u{1b}[".len() + end + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn colours_stay_and_commands_go() {
        for (line, shown) in [
            ("plain\ttext ü", "plain\ttext ü"),
            ("\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[1;31mred\u{1b}[0m"),
            ("a\u{1b}[2Jb", "a[2Jb"),
            ("\u{1b}]0;title\u{7}x", "]0;titlex"),
            ("12%\r100%", "12%100%"),
            ("\u{9b}2Jx\u{1b}", "2Jx"),
        ] {
            assert_eq!(printable(line), shown);
        }
    }
}
