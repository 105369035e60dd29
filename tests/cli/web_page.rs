//! A page in a browser that calls specd by fetch: through a proxy that serves the page and removes the headers of browsers, and in no
//! other way.

use crate::browser;
use crate::serve::{Server, layout};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// Calls by POST and by GET, to the page's own site and to specd itself. It shows the command of each answer, or the error.
const PAGE: &str = r#"<!doctype html><body><script>
const path = "/specd.v1.SpecService/Generate";
const message = JSON.stringify({image: "app", namespace: "default", id: "web-1"});
const headers = {"content-type": "application/json"};
const post = (site) => fetch(site + path, {method: "POST", headers, body: message});
const get = (site) => fetch(`${site}${path}?connect=v1&encoding=json&message=${encodeURIComponent(message)}`);
const show = async (call) => {
  try {
    const answer = await call;
    return answer.ok ? JSON.parse((await answer.json()).specJson).process.args[0] : answer.status;
  } catch (error) {
    return error.name;
  }
};
const calls = ["", "http://SPECD"].flatMap((site) => [post(site), get(site)]);
Promise.all(calls.map(show)).then((shown) => { document.body.dataset.seen = shown.join(" "); });
</script></body>"#;

/// Serves the page on a port of loopback and passes every other request on to specd. At 127.0.0.1 it is the proxy of an operator;
/// at any other name it changes nothing, and the browser sees what it would see if the name led to specd.
fn serve_page(specd: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            std::thread::spawn(move || answer(client.unwrap(), specd));
        }
    });
    port
}

fn answer(mut client: TcpStream, specd: u16) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let head: Vec<String> =
        reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let header = |name: &str| {
        let is_it = |line: &&String| line.to_ascii_lowercase().starts_with(&format!("{name}: "));
        head.iter().find(is_it).map(|line| line[name.len() + 2..].to_owned())
    };
    let Some(request) = head.first() else { return };
    if request.starts_with("GET / ") {
        let page = PAGE.replace("SPECD", &format!("127.0.0.1:{specd}"));
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n";
        let _ = write!(client, "{head}{page}");
        return;
    }
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let is_proxy = header("host").unwrap().starts_with("127.0.0.1:");
    let mut removed = vec!["connection: "];
    if is_proxy {
        removed.extend(["origin: ", "sec-fetch-site: "]);
    }
    let mut passed = String::new();
    for line in &head {
        if !removed.iter().any(|name| line.to_ascii_lowercase().starts_with(name)) {
            passed.push_str(&format!("{line}\r\n"));
        }
    }
    let mut server = TcpStream::connect(("127.0.0.1", specd)).unwrap();
    write!(server, "{passed}Connection: close\r\n\r\n").unwrap();
    server.write_all(&body).unwrap();
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer);
    let _ = client.write_all(&answer);
    let _ = client.shutdown(Shutdown::Write);
}

#[test]
fn a_browser_reaches_specd_through_a_proxy_alone() {
    let Some(program) = browser::find() else { return };
    let specd = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (layout, directory) = (layout(), tempfile::tempdir().unwrap());
    let (root, address) = (layout.root().to_str().unwrap(), format!("tcp://127.0.0.1:{specd}"));
    let flags = ["--oci-layout", root, "--platform", "linux/amd64", "--listen", &address];
    let server = Server::start(&flags);
    server.wait("specd.v1.SpecService");
    let port = serve_page(specd);
    for (site, wanted) in [
        ("127.0.0.1", "/bin/app /bin/app TypeError TypeError"),
        ("name-of-a-stranger.example", "403 403 TypeError TypeError"),
    ] {
        let elements = browser::open(program, directory.path(), &format!("http://{site}:{port}/"));
        assert_eq!(browser::seen(&elements), Some(wanted), "{site}: {elements}");
    }
}
