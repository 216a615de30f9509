//! What a comment asks for.

/// A comment on a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// `/test`, `/retest`, `/ok-to-test`: all runs that match the pull request.
    All(String),
    /// `/test NAME`, `/retest NAME`: this run, whatever its annotations say.
    Run(String),
    /// `/cancel`: to stop.
    Cancel,
    /// Nothing that is known.
    Nothing,
}

impl Asked {
    /// Reads a comment: a command stands on a line of its own.
    pub fn read(comment: &str) -> Self {
        for line in comment.lines().map(str::trim) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("/test" | "/retest"), Some(name)) => return Self::Run(name.to_owned()),
                (Some(command @ ("/test" | "/retest" | "/ok-to-test")), None) => {
                    return Self::All(command.to_owned());
                }
                (Some("/cancel"), _) => return Self::Cancel,
                _ => {}
            }
        }
        Self::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_on_their_own_line() {
        assert_eq!(Asked::read("please\r\n /test \r\n"), Asked::All("/test".to_owned()));
        assert_eq!(Asked::read("/retest unit-tests"), Asked::Run("unit-tests".to_owned()));
        assert_eq!(Asked::read("/cancel x"), Asked::Cancel);
        assert_eq!(Asked::read("could you /test this"), Asked::Nothing);
        assert_eq!(Asked::read("/testing"), Asked::Nothing);
    }
}
