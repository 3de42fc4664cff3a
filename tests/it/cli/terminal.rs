//! A real terminal: what a person sees while a command runs, and what is left on the screen.

use std::io::Write;
use std::num::NonZero;
use std::process::{Child, Stdio};
use std::sync::Arc;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::process::{Pid, Signal, kill_process};

use super::process::{Home, Line, Tape};
use super::upstream::Upstream;

const ROWS: u16 = 24;
const COLUMNS: u16 = 90;

/// A process on a terminal of its own.
pub struct Session {
    child: Child,
    keyboard: Arc<Pty>,
    pub screen: Tape,
    /// Removed no sooner than the process has ended.
    _home: Home,
}

struct Reader(Arc<Pty>);

impl std::io::Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        (&*self.0).read(bytes)
    }
}

impl Session {
    pub fn start(line: Line) -> Session {
        Session::start_with(line.env("TERM", "xterm-256color"), |command| command)
    }

    /// With streams that are not the terminal.
    pub fn start_with(line: Line, redirect: impl FnOnce(Command) -> Command) -> Session {
        let home = line.home();
        let command = redirect(line.command().into());
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(ROWS, COLUMNS)).expect("a size");
        let child = command.spawn(pts).expect("the binary");
        let keyboard = Arc::new(pty);
        Session { child, screen: Tape::of(Reader(keyboard.clone())), keyboard, _home: home }
    }

    /// Its other end.
    pub fn keyboard(&self) -> Arc<Pty> {
        self.keyboard.clone()
    }

    pub fn types(&self, text: &str) {
        (&*self.keyboard).write_all(text.as_bytes()).expect("a terminal");
    }

    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a running process");
    }

    /// Waits until the screen shows all of these.
    #[track_caller]
    pub fn shows(&self, needles: &[&str]) {
        let shown = |written: &str| parsed(written).screen().contents();
        self.screen.until(&needles.join(" and "), |written| {
            let shown = shown(written);
            needles.iter().all(|needle| shown.contains(needle))
        });
    }

    /// Waits for the end; what is on the screen then, and everything that was ever written.
    #[track_caller]
    pub fn ends(mut self, code: i32) -> (String, String) {
        let written = self.screen.to_end();
        let found = self.child.wait().expect("a child").code();
        assert_eq!(found, Some(code), "{written:?}");
        (screen(&written), written)
    }
}

/// What a terminal shows after `written`.
fn screen(written: &str) -> String {
    let parser = parsed(written);
    assert!(!parser.screen().hide_cursor(), "the cursor is hidden: {written:?}");
    assert_eq!(parser.screen().cursor_position().1, 0, "the shell's prompt would stand behind the text: {written:?}");
    parser.screen().contents()
}

fn parsed(written: &str) -> vt100::Parser {
    let [rows, columns] = [ROWS, COLUMNS].map(|cells| NonZero::new(cells).expect("a size"));
    let mut parser = vt100::Parser::new(rows, columns, 0);
    parser.process(written.as_bytes());
    parser
}

/// A stream that says nothing until the test lets it.
fn slow() -> Upstream {
    Upstream::start(|asked, line| {
        if asked.body["stream"] != true {
            line.waits_for_the_test();
            return line.answers(asked, "好");
        }
        line.begins();
        line.waits_for_the_test();
        line.says("你好，");
        line.says("世界");
        line.ends();
    })
}

#[test]
fn a_spinner_waits_for_the_first_word_and_leaves_nothing() {
    let upstream = slow();
    let session = Session::start(Home::with(&upstream.config()).llmgw(&["chat", "-m", "m", "hi"]));
    session.screen.holds("waiting for the first word");
    upstream.go_on();
    let (screen, _) = session.ends(0);
    assert_eq!(screen, "你好，世界");
}

#[test]
fn a_dumb_terminal_gets_plain_text() {
    let line = Home::new().llmgw(&["chat", "--log-level", "error", "-m", "m", "hi"]).env("TERM", "dumb");
    let (_, written) = Session::start_with(line, |command| command).ends(0);
    assert!(!written.contains('\x1b') && written.lines().count() == 1, "{written:?}");
}

#[test]
fn a_redirected_answer_has_no_trace_of_the_terminal() {
    let upstream = slow();
    let home = Home::with(&upstream.config());
    let mut session =
        Session::start_with(home.llmgw(&["chat", "-m", "m", "hi"]).env("TERM", "xterm-256color"), |command| command.stdout(Stdio::piped()));
    let out = Tape::of(session.child.stdout.take().expect("a pipe"));
    session.screen.holds("waiting for the first word");
    upstream.go_on();
    let (screen, _) = session.ends(0);
    assert_eq!((out.to_end().as_str(), screen.as_str()), ("你好，世界\n", ""));
}

#[test]
fn ctrl_c_ends_an_answer() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.says("end");
        line.says("less is this");
        line.waits_for_the_client_to_leave();
    });
    let session = Session::start(Home::with(&upstream.config()).llmgw(&["chat", "-m", "m", "hi"]));
    session.screen.holds("endless is");
    session.types("\x03");
    let (screen, _) = session.ends(130);
    // What was held back, a word, is not lost.
    assert_eq!(screen.replace("^C", ""), "endless is this");
    upstream.sees_a_client_leave();
}

#[test]
fn who_gives_up_before_the_first_word_is_left_a_clean_screen() {
    type GiveUp = fn(&Session);
    let ways: [GiveUp; 2] = [|session| session.types("\x03"), |session| session.signal(Signal::INT)];
    for give_up in ways {
        let upstream = Upstream::start(|_, line| line.waits_for_the_client_to_leave());
        let session = Session::start(Home::with(&upstream.config()).llmgw(&["chat", "-m", "m", "hi"]));
        session.screen.holds("waiting for the first word");
        upstream.sees_requests(1);
        give_up(&session);
        let (screen, _) = session.ends(130);
        assert_eq!(screen, "");
        upstream.sees_a_client_leave();
    }
}

#[test]
fn errors_are_coloured_unless_colours_are_not_wanted() {
    let (_, written) = Session::start(Home::new().llmgw(&["chat", "-i", "--format", "json"])).ends(2);
    assert!(written.contains("\x1b[1;31merror:\x1b[0m"), "{written:?}");
    let (_, plain) = Session::start(Home::new().llmgw(&["chat", "-i", "--format", "json"]).env("NO_COLOR", "1")).ends(2);
    assert!(!plain.contains("\x1b["), "{plain:?}");
}

#[test]
fn a_test_shows_how_far_it_is() {
    let upstream = slow();
    let home = Home::with(&upstream.config().replace("[m]", "[m, n, o]"));
    let session = Session::start(home.llmgw(&["test"]));
    session.screen.holds("0/3");
    upstream.go_on();
    let (screen, _) = session.ends(0);
    assert!(!screen.contains("/3") && screen.contains("note: 3 ok"), "{screen}");
    assert!(screen.contains("│ m     ┆") && screen.contains("好"), "{screen}");
}

#[test]
fn a_measurement_shows_how_far_it_is_and_an_interrupt_what_there_is() {
    let upstream = Upstream::start(|asked, line| match asked.body["model"].as_str() {
        Some("m") => line.answers(asked, "好"),
        _ => line.waits_for_the_client_to_leave(),
    });
    let home = Home::with(&upstream.config().replace("[m]", "[m, n]"));
    let session = Session::start(home.llmgw(&["bench", "m", "n", "--warmup", "0"]));
    session.screen.holds("1/10 n (up)");
    upstream.sees_requests(2);
    session.types("\x03");
    let (screen, _) = session.ends(130);
    assert!(screen.contains("│ m     ┆ up") && screen.contains("1/1") && !screen.contains("/10"), "{screen}");
    upstream.sees_a_client_leave();
}

#[test]
fn progress_is_for_terminals_only() {
    let upstream = Upstream::saying("ok");
    let ended = Home::with(&upstream.config()).run(&["test"], 0);
    assert_eq!(ended.err, "note: 1 ok\n");
}

#[test]
fn a_batch_shows_how_far_it_is_and_leaves_nothing() {
    let upstream = slow();
    let home = Home::with(&upstream.config());
    home.write("问题.txt", "一\n二\n");
    let session = Session::start(home.llmgw(&["chat", "-m", "m", "--each", "问题.txt", "--output", "答案.jsonl"]));
    session.screen.holds("0/2");
    upstream.go_on();
    let (screen, _) = session.ends(0);
    assert_eq!(screen, "note: 2 answered");
}

#[test]
fn an_address_is_fetched_where_a_person_agrees() {
    let (upstream, web) = (Upstream::saying("好"), Upstream::saying("文件"));
    let home = Home::with(&upstream.config());
    let address = format!("http://{}/models", web.authority());
    for (key, code, fetched) in [("\r", 2, 0), ("\x03", 130, 0), ("y\r", 0, 1)] {
        let session = Session::start(home.llmgw(&["chat", "-m", "m", "-f", &address, "hi"]));
        session.screen.holds("and send it to the model?");
        session.types(key);
        session.ends(code);
        assert_eq!((web.requests().len(), upstream.requests().len()), (fetched, fetched), "{key:?}");
    }
    assert!(upstream.body()["messages"][0]["content"].as_str().is_some_and(|content| content.contains("\"object\":\"list\"")));
}

#[test]
fn a_table_fits_the_terminal_with_chinese_in_it() {
    let home = Home::with("providers: [{ name: 深度求索的一个名字, type: mock, models: [很长的模型名字, m] }]\n");
    let (screen, _) = Session::start(home.llmgw(&["list"])).ends(0);
    let rows: Vec<&str> = screen.lines().filter(|row| !row.is_empty()).collect();
    let width = |row: &&str| unicode_width::UnicodeWidthStr::width(*row);
    assert!(rows.iter().all(|row| width(row) == width(&rows[0]) && width(row) <= usize::from(COLUMNS)), "{screen}");
}

#[test]
fn reasoning_is_dim_on_a_terminal_and_absent_elsewhere() {
    let upstream = Upstream::start(|_, line| {
        line.begins();
        line.thinks("思考中");
        line.says("答案");
        line.ends();
    });
    let home = Home::with(&upstream.config());
    let (screen, written) = Session::start(home.llmgw(&["chat", "-m", "m", "hi"])).ends(0);
    assert_eq!(screen, "思考中\n答案");
    assert!(written.contains("\x1b[2m思考中\x1b[0m"), "{written:?}");
    assert_eq!(home.run(&["chat", "-m", "m", "hi"], 0).prints("答案\n").err, "");
}
