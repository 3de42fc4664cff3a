//! Every text of the dashboard, in both languages, in one table: a text that one of them lacks does not compile.
//!
//! `{}` is where a figure or a name goes. What comes from upstreams, from the log or from the engine stays as it is.

use crate::hub::Outcome;

/// Languages of the dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    Chinese,
}

impl Language {
    pub(super) const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// The language of a tag such as `zh`, `zh-Hans-CN` or `en_GB`.
    pub(super) fn of_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Language::ALL.into_iter().find(|language| language.tag()[..2].eq_ignore_ascii_case(primary))
    }

    /// The one that a browser likes best, by its `Accept-Language`.
    pub(super) fn preferred(accepted: &str) -> Language {
        let wish = |part: &str| {
            let mut parts = part.split(';');
            let language = Language::of_tag(parts.next()?)?;
            let quality = parts.find_map(|parameter| parameter.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            (quality > 0.0).then_some((language, quality))
        };
        let wishes = accepted.split(',').filter_map(wish);
        // Of equals the first.
        wishes.reduce(|best, next| if next.1 > best.1 { next } else { best }).map_or(Language::English, |(language, _)| language)
    }

    /// For `lang` attributes and cookies.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// As its speakers call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::Chinese => "中文",
        }
    }

    pub(super) fn other(self) -> Language {
        match self {
            Language::English => Language::Chinese,
            Language::Chinese => Language::English,
        }
    }

    pub(super) fn texts(self) -> &'static Texts {
        match self {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        }
    }
}

macro_rules! texts {
    ($($name:ident: $english:literal, $chinese:literal;)*) => {
        /// The texts of one language.
        pub(super) struct Texts {
            $(pub $name: &'static str,)*
        }

        static ENGLISH: Texts = Texts { $($name: $english,)* };
        static CHINESE: Texts = Texts { $($name: $chinese,)* };

        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $chinese),)*];
    };
}

texts! {
    // Subjects.
    overview: "Overview", "总览";
    providers: "Providers", "供应商";
    models: "Models", "模型";
    requests: "Requests", "请求";
    usage: "Usage", "用量";
    log: "Log", "日志";
    configuration: "Configuration", "配置";

    // Around every page.
    skip: "Skip to content", "跳到正文";
    navigation: "Main", "主导航";
    theme: "Theme", "外观";
    theme_auto: "System", "跟随系统";
    theme_light: "Light", "浅色";
    theme_dark: "Dark", "深色";
    sign_out: "Sign out", "退出登录";
    live: "Live", "实时更新";
    live_lost: "Reconnecting…", "正在重连…";
    copy: "Copy", "复制";
    copied: "Copied", "已复制";
    all: "All", "全部";
    show: "Show", "查看";
    unknown: "unknown", "未知";

    // Units.
    days: "{}d", "{} 天";
    hours: "{}h", "{} 小时";
    minutes: "{}m", "{} 分";
    seconds: "{}s", "{} 秒";
    ago: "{} ago", "{}前";

    // The way in.
    sign_in: "Sign in", "登录";
    sign_in_lead: "Enter the admin key of this gateway.", "请输入本网关的管理密钥。";
    sign_in_hint_before: "It is ", "即配置中的 ";
    sign_in_hint_after: " in the configuration.", "。";
    admin_key: "Admin key", "管理密钥";
    wrong_key: "This is not the admin key.", "管理密钥不正确。";
    too_many_keys: "Too many wrong keys. Try again in {} s.", "错误次数过多，请在 {} 秒后重试。";
    form_too_old: "The page was too old. Try again.", "页面已过期，请重试。";

    // What went wrong.
    error_title: "This did not work", "未能完成";
    back_to_overview: "Back to the overview", "返回总览";

    // States.
    state_ok: "Healthy", "正常";
    state_cooling: "Cooling", "冷却中";
    state_probing: "Probing", "试探中";
    state_disabled: "Disabled", "已停用";
    state_unused: "Not used yet", "尚未使用";
    gateway_healthy: "All usable", "全部可用";
    gateway_degraded: "Some unusable", "部分不可用";
    gateway_unhealthy: "None usable", "全部不可用";
    source_alias: "configured", "已配置";
    source_auto: "automatic", "自动";
    source_listed: "listed", "已列出";
    source_discovered: "discovered", "自动发现";

    // The overview.
    state: "State", "状态";
    in_flight: "In flight", "进行中";
    uptime: "Uptime", "运行时间";
    attempts: "Attempts", "尝试次数";
    attempts_title: "Attempts", "尝试过程";
    success_rate: "Success rate", "成功率";
    latency: "Latency", "延迟";
    latency_hint: "Until the first content: the median, and what 95 of 100 stay within", "到首个内容的时间：中位数，以及 95% 请求以内";
    last_reload: "Last reload", "上次重载";
    last_reload_failed: "Last reload failed", "上次重载失败";

    // Providers.
    provider: "Provider", "供应商";
    kind: "Type", "类型";
    priority: "Priority", "优先级";
    last_error: "Last error", "最近错误";
    models_known: "Models", "模型数";
    keys: "Keys", "密钥";
    keys_resting: "{} resting", "{} 个冷却中";
    address: "Address", "地址";
    default_model: "Default model", "默认模型";
    failures_in_a_row: "Failures in a row", "连续失败";
    cooldown_left: "Rests for {} more", "还需冷却 {}";
    discovery_failed: "Its list of models could not be read", "无法读取其模型列表";
    disabled_by_operator: "Disabled here until the next start", "已在此停用，直到下次启动";
    disabled_by_configuration: "The configuration disables it: set enabled to true there", "配置中已停用，请在配置里将 enabled 设为 true";
    test_now: "Test now", "立即测试";
    testing: "Testing…", "测试中…";
    enable: "Enable", "启用";
    disable: "Disable", "停用";
    disable_hint: "Until the next start; requests on their way are finished", "直到下次启动；进行中的请求会继续完成";
    reset: "Reset cooldown", "清除冷却";
    done_enable: "{} is enabled again.", "{} 已重新启用。";
    done_disable: "{} is disabled until the next start.", "{} 已停用，直到下次启动。";
    done_reset: "The cooldowns of {} are over.", "{} 的冷却已清除。";
    upstream_models: "Upstream models in use", "使用过的上游模型";
    upstream_models_none: "No request has gone to it yet.", "还没有请求发往这里。";
    settings: "Settings", "设置";
    settings_hint: "As configured, secrets masked", "当前配置，密钥已隐藏";
    test_result: "Test", "测试结果";
    test_nothing: "There is nothing to ask: the provider is disabled, or no model of it is known.", "没有可测试的内容：该供应商已停用，或没有已知的模型。";
    test_passed: "Answered", "已应答";
    test_failed: "Failed", "失败";
    test_skipped: "Not asked", "未测试";
    reply: "Reply", "回复";
    no_providers: "There are no providers.", "还没有供应商。";
    no_providers_hint: "Add one under providers in the configuration; it is read again when the file is saved.", "请在配置的 providers 下添加；保存文件后会自动重新读取。";

    // Models.
    model: "Model", "模型";
    name: "Name", "名称";
    route: "Route", "路由";
    context: "Context", "上下文";
    price: "Price", "价格";
    price_hint: "USD per million tokens: input / output", "每百万 token 美元：输入 / 输出";
    public_names: "Names to ask for", "可请求的名称";
    offered_by: "Offered by {}", "{} 提供的模型";
    nothing_matches: "Nothing matches.", "没有匹配项。";
    no_models: "No model can be asked for yet.", "还没有可请求的模型。";
    no_models_hint: "Name models in the configuration, or wait until a provider's list was read.", "请在配置中指定模型，或等待读取供应商的模型列表。";
    explain: "Explain", "查看路由";
    explain_hint: "Which upstreams a request would go to now", "请求现在会发往哪些上游";
    plan: "Plan", "路由计划";
    plan_lead: "{}; at most {} attempts", "{}；最多尝试 {} 次";
    would_be_tried: "Tried, in this order", "依次尝试";
    passed_over: "Passed over", "被跳过";
    nobody_left: "Nobody is left to be asked: a request would be refused now.", "没有可用的上游：请求现在会被拒绝。";
    via: "via", "经由";
    as_it_is: "passed on as it is: {}", "原样转发：{}";
    try_it: "Try it", "试一试";
    try_lead: "A real request, as the caller admin: it counts, and may cost.", "真实请求，调用方为 admin：会计入用量，可能产生费用。";
    prompt: "Prompt", "提示词";
    prompt_default: "Who are you? Answer in one sentence.", "你是谁？请用一句话回答。";
    system_prompt: "System", "系统提示";
    temperature: "Temperature", "温度";
    max_tokens: "Max tokens", "最大 token 数";
    stream: "Stream", "流式";
    send: "Send", "发送";
    stop: "Stop", "停止";
    answer: "Answer", "回答";
    answer_waiting: "Waiting…", "等待中…";
    answer_empty: "The answer appears here.", "回答会显示在这里。";
    answered_by: "Answered by", "应答方";
    first_token: "First token", "首个 token";
    total: "Total", "总计";
    tokens: "Tokens", "token 数";

    // Requests.
    time: "Time", "时间";
    key_name: "Key", "密钥";
    outcome_title: "Outcome", "结果";
    all_failed: "All that failed", "所有失败";
    since: "Since", "时间范围";
    request_id: "Request id", "请求 ID";
    apply: "Apply", "应用";
    clear: "Clear", "清除";
    older: "Older", "更早";
    newest: "Newest", "最新";
    pages: "Pages", "分页";
    cost: "Cost", "费用";
    tokens_hint: "Prompt → answer; ~: not reported by the upstream", "输入 → 输出；~：上游未报告";
    nothing_matches_hint: "Ask for less, or look further back.", "请放宽条件，或查看更早的时间。";
    no_requests: "No request yet", "还没有请求";
    no_requests_hint: "It appears here as soon as one has ended. Send the first:", "请求结束后会立即显示在这里。发送第一个请求：";
    no_ledger: "There is no place for a ledger: set storage.path in the configuration.", "没有可用的记录位置：请在配置中设置 storage.path。";
    several_begin_so: "Requests that begin with {}", "以 {} 开头的请求";
    same_id: "Earlier requests with this id", "使用同一 ID 的更早请求";
    its_log: "Its log", "相关日志";
    overhead: "In llmgw itself", "llmgw 自身耗时";
    cached: "{} cached", "{} 缓存";
    reasoning: "{} reasoning", "{} 推理";
    prices_of: "prices: {}", "价格表：{}";
    call_flow: "Call flow", "调用链路";
    client: "Client", "客户端";
    more_passed_over: "{} more were passed over.", "另有 {} 个被跳过。";
    hedge: "hedge", "对冲";
    connecting: "Connecting", "连接";
    waiting_for_head: "Waiting for the head", "等待响应头";
    waiting_for_content: "Waiting for content", "等待内容";
    answering: "Answering", "应答";
    began_after: "began after {}", "{} 后开始";
    took: "took {}", "耗时 {}";
    connection_reused: "connection reused", "复用连接";
    first_byte: "First byte", "首字节";
    particulars: "Particulars", "详情";
    command_line: "the command line", "命令行";
    endpoint: "Endpoint", "接口";
    dialect: "Dialect", "协议";
    transferred: "Sent → received", "发送 → 接收";
    no_plan: "It was refused before anybody was asked.", "在询问上游之前即被拒绝。";
    outcome_ok: "Answered", "已应答";
    outcome_bad_request: "Bad request", "请求有误";
    outcome_denied: "Denied", "无权限";
    outcome_client_gone: "Client left", "客户端离开";
    outcome_given_back: "Refused upstream", "上游拒绝";
    outcome_upstream_error: "Upstream failed", "上游失败";
    outcome_upstream_timeout: "Timed out", "上游超时";
    outcome_unavailable: "Nobody available", "无可用上游";
    outcome_cut_off: "Broke off", "中途断开";
    outcome_internal: "Internal error", "内部错误";
    outcome_abandoned: "Given up", "已放弃";
    reported: "reported", "上游报告";
    estimated: "estimated", "估算";
    partial: "partial", "部分";

    // Usage.
    last_hour: "1 hour", "1 小时";
    last_day: "24 hours", "24 小时";
    last_week: "7 days", "7 天";
    last_month: "30 days", "30 天";
    by_model: "By model", "按模型";
    by_provider: "By provider", "按供应商";
    by_key: "By key", "按密钥";
    by_day: "By day", "按天";
    by_upstream: "By upstream", "按上游";
    input: "Input tokens", "输入 token";
    output: "Output tokens", "输出 token";
    cached_title: "Cached", "缓存";
    mean: "Mean", "平均";
    answered: "Answered", "已应答";
    failed: "Failed", "失败";
    whole_answer: "Whole answer", "完整回答";
    failed_count: "{} failed", "{} 个失败";
    none_failed: "none failed", "无失败";
    over_time: "Over time", "随时间变化";
    at_most: "at most", "最高";
    unpriced: "the price of {} answers is not known", "{} 个回答的价格未知";
    lost_rows: "{} requests have no row of their own; the sums have them.", "{} 个请求没有单独记录，但已计入合计。";
    nothing_used: "Nothing was used in this time", "此时间段内没有用量";
    nameless: "none", "无";
    recent_requests: "Latest requests", "最近请求";
    latest_flow: "The latest request", "最近一次请求";
    show_all: "Show all", "查看全部";

    // The log.
    log_lead: "The last 1,000 lines of this server, the newest first.", "本服务器最近的 1,000 行日志，最新在前。";
    level: "Level", "级别";
    log_text: "Holds", "包含";
    pause: "Pause", "暂停";
    resume: "Go on", "继续";
    log_absent: "This server keeps no lines of its log in memory.", "本服务器未在内存中保留日志。";
    log_empty: "No line", "没有日志";
    log_empty_hint: "What happens from now on appears here.", "之后发生的事情会显示在这里。";
    log_missed: "{} older lines are not kept any more.", "更早的 {} 行已不再保留。";

    // Configuration.
    effective: "In force", "当前生效";
    effective_hint: "With every default, secrets masked", "包含所有默认值，密钥已隐藏";
    file: "File", "文件";
    loaded: "Loaded", "加载于";
    check_file: "Check the file", "检查文件";
    reload: "Reload", "重载";
    reload_hint: "A bad file changes nothing; running requests end on the old configuration.", "文件有误时不会有任何改变；进行中的请求按旧配置完成。";
    would_change: "A reload would change", "重载将会改变";
    has_changed: "The reload changed", "重载已改变";
    nothing_changes: "Nothing: the file says what is in force.", "没有变化：文件与当前生效的配置一致。";
    needs_restart: "takes effect at the next start", "下次启动后生效";
    key: "Key", "键";
    before: "Now", "当前";
    after: "After", "之后";
    invalid_file: "The file has mistakes; what is in force stays.", "文件有错误；当前生效的配置保持不变。";
    reloaded: "Reloaded.", "已重载。";
}

impl Texts {
    /// What an outcome is called.
    pub(super) fn of_outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Ok => self.outcome_ok,
            Outcome::BadRequest => self.outcome_bad_request,
            Outcome::Denied => self.outcome_denied,
            Outcome::ClientGone => self.outcome_client_gone,
            Outcome::GivenBack => self.outcome_given_back,
            Outcome::UpstreamError => self.outcome_upstream_error,
            Outcome::UpstreamTimeout => self.outcome_upstream_timeout,
            Outcome::Unavailable => self.outcome_unavailable,
            Outcome::CutOff => self.outcome_cut_off,
            Outcome::Internal => self.outcome_internal,
            Outcome::Abandoned => self.outcome_abandoned,
        }
    }

    /// What a word of the engine's is called; one that is not known here stays as it is.
    pub(super) fn of_word<'w>(&self, word: &'w str) -> &'w str
    where
        Self: 'static,
    {
        match word {
            "closed" | "ok" => self.state_ok,
            "probing" | "due for a probe" => self.state_probing,
            "disabled" | "disabled by an operator" => self.state_disabled,
            "unchecked" => self.state_unused,
            "healthy" => self.gateway_healthy,
            "degraded" => self.gateway_degraded,
            "unhealthy" => self.gateway_unhealthy,
            "alias" => self.source_alias,
            "auto" => self.source_auto,
            "listed" => self.source_listed,
            "discovered" => self.source_discovered,
            word if word.starts_with("cooling") => self.state_cooling,
            word => word,
        }
    }
}

/// What the engine says in sentences, and what that is in Chinese; `{}` stays as it is.
const PHRASES: [(&str, &str); 14] = [
    ("an entry of `models`", "models 中的条目"),
    ("the wildcard `{}` of `models`", "models 中的通配符 {}"),
    ("`auto`: the default model of every provider", "auto：各供应商的默认模型"),
    ("PROVIDER/MODEL", "供应商/模型"),
    ("a model that {} offers", "{} 提供的模型"),
    ("disabled: provider", "供应商已停用"),
    ("disabled: route", "路由已停用"),
    ("disabled by an operator", "已在此停用"),
    ("cooling for {} s more", "还需冷却 {} 秒"),
    ("being probed by another request", "另一个请求正在试探"),
    ("saturated: {} requests in flight", "已满：{} 个请求进行中"),
    ("not offered by {}", "{} 不提供"),
    ("last resort: everything is cooling, this is nearest to recovery", "最后选择：全部在冷却，此路由最接近恢复"),
    ("speaks {}", "使用 {} 协议"),
];

impl Language {
    /// A sentence of the engine's, if it is known here; else as it is.
    pub(super) fn phrase(self, said: &str) -> String {
        if self == Language::English {
            return said.to_owned();
        }
        let translated = PHRASES.iter().find_map(|(english, chinese)| {
            let Some((before, after)) = english.split_once("{}") else { return (*english == said).then(|| (*chinese).to_owned()) };
            let rest = said.strip_prefix(before)?.strip_suffix(after)?;
            Some(chinese.replacen("{}", rest, 1))
        });
        translated.unwrap_or_else(|| said.to_owned())
    }
}

/// How good a word of the engine's is: the class of its colour.
pub(super) fn tone(word: &str) -> &'static str {
    match word {
        "closed" | "ok" | "healthy" => "ok",
        "probing" | "due for a probe" | "degraded" => "warn",
        "unhealthy" => "bad",
        word if word.starts_with("cooling") => "bad",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Language};

    #[test]
    fn both_languages_say_everything() {
        let han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for (name, english, chinese) in ALL {
            assert!(!english.trim().is_empty() && !chinese.trim().is_empty(), "{name} is empty");
            assert!(!han(english), "{name}: Chinese in English");
            assert!(!chinese.is_ascii() || english == chinese, "{name}: not translated");
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{name}: another number of places");
        }
        let names: std::collections::HashSet<_> = ALL.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn a_browsers_wishes_are_heeded() {
        for (accepted, language) in [
            ("", Language::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-US,en;q=0.9,zh;q=0.8", Language::English),
            ("de-DE,zh-TW;q=0.7,en;q=0.3", Language::Chinese),
            ("fr, zh;q=0", Language::English),
            ("*", Language::English),
        ] {
            assert_eq!(Language::preferred(accepted), language, "{accepted}");
        }
        assert_eq!(
            ["zh", "ZH-hans", "zh_CN", "en-GB"].map(Language::of_tag).map(|l| l.map(Language::tag)),
            [Some("zh-CN"), Some("zh-CN"), Some("zh-CN"), Some("en")]
        );
        assert_eq!(Language::of_tag("de"), None);
    }
}
