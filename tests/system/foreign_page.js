// What a page of another origin can try against a server: every way that a
// browser has to send something. test_foreign_page.py runs it in real pages.
//
// foreignPage(options) tries each technique on each row and resolves to
// {technique: {learned: [...], errors: [...]}}. learned is whatever the page
// could find out about an answer: it must stay empty for writes. errors are
// the browser's own words. What reached the server is asked there.
//
// options.base   where the rows are; "{by}" in it becomes the technique's name
//        .site   the page's own server, which redirects and serves workers
//        .other  the same under another name
//        .rows   [{route, body (JSON text), name, value}]: a form with this
//                name and value is text/plain that reads as the JSON
//        .key    a key that the page knows
//        .only   names of techniques, or null for all
//        .wait   ms after which a technique that hears nothing is done

/* exported foreignPage */
function foreignPage(options) {
    "use strict";

    const frames = {};
    const windows = window.foreignWindows = [];
    const JSON_TYPE = {"Content-Type": "application/json"};

    // --- small parts -----------------------------------------------------

    const post = (extra) => (t) =>
        fetch(t.url, Object.assign({method: "POST", body: t.body}, extra));
    // No type at all: a Blob without one, or bare bytes.
    const untyped = (t) => new Blob([t.body]);
    const bytes = (t) => new TextEncoder().encode(t.body);
    const typed = (t, type) => new Blob([t.body], {type});
    const simple = (type, extra) => (t) =>
        post(Object.assign({mode: "no-cors", headers: {"Content-Type": type}},
                           extra))(t);
    const redirect = (site, status, to) => site + "/redirect/" + status +
        "?to=" + encodeURIComponent(to);
    // Two other origins on the way: the request forgets where it is from.
    const hops = (t) => redirect(t.site, 307, redirect(t.other, 307, t.url));
    const query = (t) => t.url + "?_method=POST&by=" +
        encodeURIComponent(t.by) + "&" + new URLSearchParams(
            JSON.parse(t.body)).toString();
    const later = (ms) => new Promise((done) => setTimeout(done, ms));

    function element(tag, attributes, where) {
        const node = document.createElement(tag);
        for (const name in attributes)
            node.setAttribute(name, attributes[name]);
        (where || document.documentElement).appendChild(node);
        return node;
    }

    // Resolves when the element has loaded or failed.
    function loaded(node) {
        return new Promise((done) => {
            node.onload = () => done("load");
            node.onerror = () => done("error");
        });
    }

    function element_get(tag, name, attributes) {
        return (t) => {
            const all = Object.assign({}, attributes);
            all[name] = query(t);
            return loaded(element(tag, all)).then((end) =>
                // A load event of an image or a script would mean that the
                // answer was used.
                (end === "load" && (tag === "img" || tag === "script"))
                    ? tag + " loaded" : null);
        };
    }

    // What of a frame's or a window's document can be read: its text, null
    // when another origin's is there, undefined while nothing is.
    function peek(frame) {
        try {
            if (frame.location.href === "about:blank" ||
                frame.document.readyState !== "complete")
                return undefined;
            return frame.document.documentElement.textContent;
        } catch (error) {
            return null;
        }
    }

    // The same when a window has loaded. It stays open: one that cannot be
    // read from the start (a sandboxed page's) may still be loading.
    async function peek_window(other) {
        let seen;
        windows.push(other);
        for (const end = Date.now() + options.wait;
             (seen = peek(other)) === undefined && Date.now() < end;)
            await later(20);
        return seen;
    }

    // The one frame of a technique, which takes its rows one by one.
    const frame_of = (t) => frames[t.by] ||
        (frames[t.by] = element("iframe", {name: "frame of " + t.by}));

    // A form that is sent into a frame or a window.
    function form(attributes, fields, in_window) {
        return (t) => {
            const target = in_window ? t.by + " " + t.route
                                     : frame_of(t).name;
            const node = element("form", Object.assign(
                {method: "POST", action: t.url, target}, attributes));
            for (const [key, value] of fields(t))
                element("input", {type: "hidden", name: key, value}, node);
            if (in_window) {
                const other = window.open("about:blank", target);
                node.submit();
                return peek_window(other);
            }
            node.submit();
            return loaded(frame_of(t)).then(
                () => peek(frame_of(t).contentWindow));
        };
    }

    const one_field = (t) => [[t.name, t.value]];
    const fields = (t) => Object.entries(JSON.parse(t.body)).map(
        ([key, value]) => [key, String(value)]);
    const no_fields = () => [];
    const PLAIN = {enctype: "text/plain"};

    function xhr(method, headers, credentials, body) {
        return (t) => new Promise((done) => {
            const request = new XMLHttpRequest();
            request.open(method, t.url);
            request.withCredentials = credentials;
            for (const name in headers)
                request.setRequestHeader(name, headers[name]);
            request.onloadend = () => done(
                request.status ? request.status + " " + request.responseText
                               : null);
            request.send(body ? body(t) : t.body);
        });
    }

    // The same request from a thread of another kind.
    const WORK = "const run = ({url, body}) => fetch(url, {method: 'POST'," +
        " mode: 'no-cors', body: new Blob([body])}).then((answer) =>" +
        " answer.type === 'opaque' ? null : answer.status, () => null);";
    const script = (text) => URL.createObjectURL(
        new Blob([WORK + text], {type: "text/javascript"}));

    function worker(t) {
        return new Promise((done, fail) => {
            const thread = new Worker(script(
                "onmessage = (e) => run(e.data).then(postMessage);"));
            thread.onmessage = (event) => done(event.data);
            thread.onerror = () => fail(new Error("no worker"));
            thread.postMessage({url: t.url, body: t.body});
        });
    }

    function shared_worker(t) {
        return new Promise((done, fail) => {
            const thread = new SharedWorker(script(
                "onconnect = (c) => { const port = c.ports[0]; port.onmessage" +
                " = (e) => run(e.data).then((x) => port.postMessage(x)); };"));
            thread.port.onmessage = (event) => done(event.data);
            thread.onerror = () => fail(new Error("no shared worker"));
            thread.port.postMessage({url: t.url, body: t.body});
        });
    }

    async function service_worker(t) {
        if (!navigator.serviceWorker)
            throw new Error("no service worker");
        await navigator.serviceWorker.register("/service_worker.js");
        const active = (await navigator.serviceWorker.ready).active;
        return new Promise((done) => {
            const channel = new MessageChannel();
            channel.port1.onmessage = (event) => done(event.data);
            active.postMessage({url: t.url, body: t.body}, [channel.port2]);
        });
    }

    function web_socket(t) {
        return new Promise((done) => {
            const socket = new WebSocket(query(t).replace(/^http/, "ws"));
            socket.onopen = () => {
                socket.send(t.body);
                done("WebSocket opened");
            };
            socket.onmessage = (event) => done(event.data);
            socket.onerror = () => done(null);
        });
    }

    function event_source(t) {
        return new Promise((done) => {
            const source = new EventSource(query(t));
            source.onopen = () => done("EventSource opened");
            source.onmessage = (event) => done(event.data);
            source.onerror = () => {
                source.close();
                done(null);
            };
        });
    }

    function beacon(body) {
        return (t) => {
            if (!navigator.sendBeacon(t.url, body(t)))
                throw new Error("beacon refused");
            return null;
        };
    }

    // A click that tells another server: POST text/ping.
    function ping(t) {
        const link = element("a", {href: "javascript:void 0", ping: t.url});
        link.click();
        return null;
    }

    // A policy that is violated, and reports so: POST application/csp-report.
    function csp_report(t) {
        frame_of(t).src = t.site + "/csp?to=" + encodeURIComponent(t.url);
        return loaded(frame_of(t)).then(() => null);
    }

    function open_window(t) {
        return peek_window(window.open(query(t)));
    }

    const bearer = (t) => ({Authorization: "Bearer " + t.key});

    function fetch_later(t) {
        if (typeof fetchLater === "undefined")
            throw new Error("no fetchLater");
        fetchLater(t.url, {method: "POST", body: untyped(t), mode: "no-cors",
                           activateAfter: 0});
        return null;
    }

    // --- the techniques --------------------------------------------------

    const techniques = {
        // Asks first (preflight).
        "fetch json": post({headers: JSON_TYPE}),
        "fetch json credentials": post({headers: JSON_TYPE,
                                        credentials: "include"}),
        "fetch json key": (t) => post({headers: Object.assign(
            bearer(t), JSON_TYPE)})(t),
        "fetch key only": (t) => post({headers: bearer(t),
                                       body: untyped(t)})(t),
        "fetch key no-cors": (t) => post({headers: bearer(t), mode: "no-cors",
                                          body: untyped(t)})(t),
        "fetch idempotency key": post({
            headers: {"Idempotency-Key": "foreign"}}),
        "fetch put": post({method: "PUT", headers: JSON_TYPE}),
        "fetch patch": post({method: "PATCH", headers: JSON_TYPE}),
        "fetch delete": post({method: "DELETE", headers: JSON_TYPE}),
        "fetch override": (t) => fetch(query(t), {
            headers: {"X-HTTP-Method-Override": "POST"}}),
        "xhr json": xhr("POST", JSON_TYPE, false),
        "xhr json credentials": xhr("POST", JSON_TYPE, true),
        "xhr key": (t) => xhr("POST", bearer(t), true)(t),

        // Does not ask.
        "fetch text": simple("text/plain"),
        "fetch text cors": post({headers: {"Content-Type": "text/plain"}}),
        "fetch text credentials": simple("text/plain",
                                         {credentials: "include"}),
        "fetch text parameter": simple("text/plain; x=application/json"),
        "fetch text comma": simple("text/plain, application/json"),
        "fetch urlencoded": simple("application/x-www-form-urlencoded"),
        "fetch multipart type": simple("multipart/form-data; boundary=x"),
        "fetch multipart": (t) => {
            const data = new FormData();
            data.append(t.name, typed(t, "application/json"), "body.json");
            return post({mode: "no-cors", body: data})(t);
        },
        "fetch untyped": (t) => post({mode: "no-cors", body: untyped(t)})(t),
        "fetch untyped cors": (t) => post({body: untyped(t)})(t),
        "fetch bytes": (t) => post({mode: "no-cors", body: bytes(t)})(t),
        "fetch typed no-cors": (t) => post({
            mode: "no-cors", body: typed(t, "application/json")})(t),
        "fetch nothing": post({mode: "no-cors", body: undefined}),
        "fetch empty type": simple(""),
        "fetch keepalive": (t) => post({mode: "no-cors", keepalive: true,
                                        body: untyped(t)})(t),
        "fetch keepalive json": post({keepalive: true, headers: JSON_TYPE}),
        "fetch no referrer": (t) => post({
            mode: "no-cors", referrerPolicy: "no-referrer",
            body: untyped(t)})(t),
        "fetch later": fetch_later,
        "xhr text": xhr("POST", {"Content-Type": "text/plain"}, false),
        "xhr untyped": xhr("POST", {}, true, untyped),
        "beacon text": beacon((t) => t.body),
        "beacon untyped": beacon(untyped),
        "beacon bytes": beacon(bytes),
        "beacon json": beacon((t) => typed(t, "application/json")),
        "beacon parameters": beacon((t) => new URLSearchParams(
            JSON.parse(t.body))),
        "form text": form(PLAIN, one_field),
        "form text window": form(PLAIN, one_field, true),
        "form text no referrer": form(Object.assign(
            {rel: "noreferrer"}, PLAIN), one_field),
        "form urlencoded": form({}, fields),
        "form multipart": form({enctype: "multipart/form-data"}, fields),
        "form nothing": form({}, no_fields),
        "ping": ping,
        "csp report": csp_report,

        // Through the page's own server.
        "redirect 307": (t) => fetch(redirect(t.site, 307, t.url), {
            method: "POST", mode: "no-cors", body: untyped(t)}),
        "redirect 308": (t) => fetch(redirect(t.site, 308, t.url), {
            method: "POST", mode: "no-cors", body: untyped(t)}),
        "redirect hops": (t) => fetch(hops(t), {
            method: "POST", mode: "no-cors", body: untyped(t)}),
        "redirect json": (t) => fetch(hops(t), {
            method: "POST", headers: JSON_TYPE, body: t.body}),
        "redirect form": (t) => form(Object.assign(
            {action: redirect(t.site, 307, t.url)}, PLAIN), one_field)(t),
        "redirect beacon": (t) => {
            navigator.sendBeacon(redirect(t.site, 308, t.url), untyped(t));
            return null;
        },

        // From elsewhere than the page.
        "worker": worker,
        "shared worker": shared_worker,
        "service worker": service_worker,

        // Without a body.
        "fetch get": (t) => fetch(query(t), {mode: "no-cors"}),
        "fetch get cors": (t) => fetch(query(t)),
        "fetch head": (t) => fetch(query(t), {method: "HEAD",
                                              mode: "no-cors"}),
        "img": element_get("img", "src"),
        "script": element_get("script", "src"),
        "module": element_get("script", "src", {type: "module"}),
        "link": element_get("link", "href", {rel: "stylesheet"}),
        "prefetch": element_get("link", "href", {rel: "prefetch"}),
        "iframe": (t) => {
            frame_of(t).src = query(t);
            return loaded(frame_of(t)).then(
                () => peek(frame_of(t).contentWindow));
        },
        "object": element_get("object", "data"),
        "form get": form({method: "GET"}, (t) => [
            ["_method", "POST"], ["by", t.by], ...fields(t)]),
        "window": open_window,
        "event source": event_source,
        "web socket": web_socket,
    };

    // --- trying them -----------------------------------------------------

    async function found_out(value) {
        if (!(value instanceof Response))
            return value;
        if (value.type === "opaque" || value.type === "error")
            return null;
        return value.status + " " + await value.text();
    }

    async function attempt(by, row, report) {
        const t = Object.assign({by, site: options.site, other: options.other,
                                 key: options.key}, row);
        t.url = options.base.replace("{by}", by.replace(/ /g, "-")) +
            row.route;
        try {
            const known = await Promise.race([
                Promise.resolve(techniques[by](t)).then(found_out),
                later(options.wait).then(() => null)]);
            if (known !== null && known !== undefined)
                report.learned.push(row.route + ": " + known);
        } catch (error) {
            report.errors.push(String(error).slice(0, 120));
        }
    }

    // All techniques at once, each with one row after the other.
    async function all() {
        const reports = {};
        await Promise.all(Object.keys(techniques)
            .filter((by) => !options.only || options.only.includes(by))
            .map(async (by) => {
                reports[by] = {learned: [], errors: []};
                for (const row of options.rows)
                    await attempt(by, row, reports[by]);
            }));
        return reports;
    }

    return all();
}
