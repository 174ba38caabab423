"""What the commands say in Chinese. The key is the English text, in which ``{name}`` stands for a value."""

from __future__ import annotations


def marked(english: str) -> str:
    """*english* itself. It says where the text stands that `Terminal.text` translates when it is printed: the tests look for it."""
    return english


CHINESE: dict[str, str] = {
    # alicred get, alicred exec
    "secrets are not printed to a terminal: send the output to a program or a file, or add --show": (
        "不会把密钥打印到终端：请将输出交给程序或写入文件，或者加上 --show"
    ),
    "--json and --format {format} cannot both be followed: leave one away": "--json 与 --format {format} 不能同时使用：请去掉其中一个",
    "--shell is for --format env; leave it away for {format}": "--shell 只用于 --format env；使用 {format} 时请去掉它",
    "there is no program to run: name one behind --, such as `alicred exec -- terraform plan`": (
        "没有指定要运行的程序：请写在 -- 之后，例如 `alicred exec -- terraform plan`"
    ),
    "--refresh is for temporary credentials whose end is known, and this is none. Leave --refresh away": (
        "--refresh 只用于已知过期时间的临时凭据，而当前凭据不是。请去掉 --refresh"
    ),
    "{program}: no such program. Correct its name, or PATH": "{program}：没有这个程序。请检查程序名或 PATH",
    "{program} cannot be run: {reason}. It must be a program that you may execute; a script needs a #! line": (
        "{program} 无法运行：{reason}。它必须是您有权执行的程序；脚本需要以 #! 行开头"
    ),
    # alicred whoami, alicred explain
    "looking for a credential …": "正在查找凭据…",
    "asking STS whose it is …": "正在向 STS 查询身份…",
    "The security token is that of {name}. If it was left over from another key, unset it.": (
        "STS Token 来自 {name}。如果它是其他密钥遗留的，请取消设置。"
    ),
    "The security token comes from {origin}.": "STS Token 来自 {origin}。",
    "{head}... (which looks like a secret; id and secret may have been exchanged)": (
        "{head}...（看起来是密钥；AccessKey ID 与 AccessKey Secret 可能填反了）"
    ),
    "There is no credential. `alicred explain` shows what each source says and what to do.": (
        "没有可用的凭据。请运行 `alicred explain`，查看各个来源的结果和处理方法。"
    ),
    "identity": "身份",
    "type": "类型",
    "access key ID": "AccessKey ID",
    "valid": "有效期",
    "from": "来自",
    "obtained with": "获取时使用",
    "from {origin}": "来自 {origin}",
    "The sources of the default chain, in the order in which they are asked": "默认凭据链的各个来源（按查询顺序）",
    "asking {name} …": "正在查询 {name}…",
    "The role of --role-arn": "--role-arn 指定的 RAM 角色",
    "What was looked at": "查看过的环境变量和文件",
    "not set: {names}": "未设置：{names}",
    "not there": "不存在",
    "(mode {mode})": "（权限 {mode}）",
    "found": "已找到",
    "not set up": "未配置",
    "broken": "有问题",
    ", and used": "，将被使用",
    ", and the search stops here": "，查找到此为止",
    ", but not used: the search ends before it": "，但不会被使用：查找在此之前已结束",
    " (it took {span})": "（用时 {span}）",
    "obtained with {name}": "使用 {name} 获取",
    "access key ID {id}, {until}": "AccessKey ID {id}，{until}",
    "no end is known": "过期时间未知",
    "ended at {moment}": "已于 {moment} 过期",
    "until {moment} ({left} left)": "至 {moment}（剩余 {left}）",
    "To set it up, export ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET": (
        "如需配置，请设置环境变量 ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET"
    ),
    "To set it up, switch RRSA on for the service account of the pod: it sets these variables": (
        "如需配置，请为 Pod 的服务账户启用 RRSA，它会设置这些环境变量"
    ),
    "To set it up, run `aliyun configure`": "如需配置，请运行 `aliyun configure`",
    "To set it up, write a section [default] into ~/.alibabacloud/credentials": (
        "如需配置，请在 ~/.alibabacloud/credentials 中写入 [default] 配置"
    ),
    "To set it up, give it an address that hands credentials out": "如需配置，请将其设置为提供凭据的地址",
    # alicred profiles
    "The CLI's file": "阿里云 CLI 的配置文件",
    "The profile file": "凭据配置文件",
    "PROFILE": "配置",
    "MODE": "模式",
    "ROLE OR ACCOUNT": "RAM 角色或账号",
    "ACCESS KEY ID": "AccessKey ID",
    "STATE": "状态",
    "There is no such file.": "该文件不存在。",
    "Problems": "问题",
    "used": "使用中",
    "used, broken": "使用中，有问题",
    "current": "当前配置",
    "switched off": "已停用",
    "empty: `aliyun configure` fills it in": "空配置，可运行 `aliyun configure` 填写",
    "A program takes its credential from variables before it looks into a file: {names}": (
        "程序会先从环境变量获取凭据，然后才查看文件：{names}"
    ),
    "Problems: {count}": "共 {count} 个问题",
    "All is well. Files: {files}, profiles: {profiles}": "一切正常：{files} 个文件，{profiles} 个配置。",
    "access_key_id looks like a secret: id and secret may have been exchanged. Copy both again": (
        "access_key_id 看起来是密钥：AccessKey ID 与 AccessKey Secret 可能填反了。请重新复制两者"
    ),
    "{key} is no ARN of a role. Write acs:ram::<account>:role/<name>, with the number of the account": (
        "{key} 不是 RAM 角色的 ARN。请写成 acs:ram::<account>:role/<name>，其中 <account> 是账号 ID"
    ),
    "it has {count} profiles that are called {name}, of which only the first counts. Rename or remove the others": (
        "有 {count} 个名为 {name} 的配置，只有第一个有效。请重命名或删除其余的"
    ),
    "the login ended at {moment}": "登录已于 {moment} 过期",
    "log in again: {command}": "请重新登录：{command}",
    "run: {command}": "请运行：{command}",
    "every user of this machine may change it (mode {mode})": "本机的所有用户都可以修改它（权限 {mode}）",
    "every user of this machine may read it (mode {mode})": "本机的所有用户都可以读取它（权限 {mode}）",
    "its group may change it (mode {mode})": "所属用户组可以修改它（权限 {mode}）",
    "its group may read it (mode {mode})": "所属用户组可以读取它（权限 {mode}）",
    # alicred plan
    "A value that lives for {lifetime}": "有效期为 {lifetime} 的凭据",
    "fresh: served": "FRESH：直接提供",
    "the refresh begins, at a random moment up to {end}, and goes on in the background": "在此到 {end} 之间的随机时刻开始后台刷新",
    "aging: served while it is refreshed": "AGING：刷新期间照常提供",
    "urgent: callers wait for the refresh; if it fails, they get the value": "URGENT：调用方等待刷新，刷新失败时仍得到当前凭据",
    "grace: it has ended, and is served if the refresh fails": "GRACE：已过期，刷新失败时在宽限期内继续提供",
    "over: no caller gets it any more": "不再提供",
    "It is not refreshed ahead: from {end} on callers wait for the refresh, and get its error if it fails": (
        "不会提前刷新：从 {end} 起调用方等待刷新，刷新失败时收到错误"
    ),
    "If the service is down from the first refresh on, at {first}": "如果从首次刷新（{first}）起服务不可用",
    "The value is served for {served} more. Callers get an error from {end} on.": "凭据还可以提供 {served}，从 {end} 起调用方会收到错误。",
    "Attempts to refresh until then: {count}, and one more at the end.": "在此之前会尝试刷新 {count} 次，过期时再尝试一次。",
    "{moment} ({count} times)": "{moment}（{count} 次）",
    # alicred cloud
    "metadata service: {url}": "元数据服务：{url}",
    "credentials URI: {url}": "凭据 URI：{url}",
    "{count} requests, {rejected} of them rejected": "共 {count} 个请求，其中 {rejected} 个被拒绝",
    # alicred login, and the pages that the browser shows at its end
    "There is nothing here": "这里没有内容",
    "The login comes back at another address.": "登录会返回到另一个地址。",
    "This is no login": "这不是登录请求",
    "A browser comes back with GET.": "浏览器应使用 GET 方法返回。",
    "This is not the login that is waiting": "这不是正在等待的登录",
    "It may be an older one. Go on in the window that was opened last, or start again.": (
        "它可能是之前的登录。请在最后打开的窗口中继续，或重新开始。"
    ),
    "The login is confirmed": "登录已确认",
    "You can close this window and go back to the terminal.": "您可以关闭此窗口，返回终端。",
    "You are not logged in": "登录未完成",
    "The login was denied. You can close this window and go back to the terminal.": "登录被拒绝。您可以关闭此窗口，返回终端。",
    "The site has sent no code. You can close this window and go back to the terminal.": (
        "站点没有返回授权码。您可以关闭此窗口，返回终端。"
    ),
    "Given up. Nothing was changed.": "已放弃，未做任何更改。",
    "Logged in. The login is in profile {name} of {path}.": "登录成功，已保存到 {path} 的配置 {name}。",
    "It lasts until {moment}. Until then the aliyun tool and alicred get keys with it.": (
        "登录的有效期至 {moment}，在此之前 alicred 和 aliyun 命令行工具用它获取临时凭据。"
    ),
    "The aliyun tool and alicred get keys with it, and renew it.": "alicred 和 aliyun 命令行工具用它获取临时凭据，并自动续期。",
    "The aliyun tool wants a region too: aliyun configure set --profile {name} --region cn-hangzhou": (
        "aliyun 命令行工具还需要地域：aliyun configure set --profile {name} --region cn-hangzhou"
    ),
    "{variable} is set: unset it, or nothing here reads the file.": "已设置环境变量 {variable}：请取消设置，否则不会读取该文件。",
    "Who you are now: alicred whoami --profile {name}": "查看当前身份：alicred whoami --profile {name}",
    "The login itself is saved; only its first keys are missing.": "登录本身已保存，只是尚未取得第一组临时凭据。",
    "Logging in to Alibaba Cloud ({site}), for profile {name} of {path}.": "登录阿里云（{site}），保存到 {path} 的配置 {name}。",
    "Opening this page in your browser:": "正在浏览器中打开以下页面：",
    "Open this page in a browser:": "请在浏览器中打开以下页面：",
    "Confirm the login there. Waiting for {seconds} s at most; Ctrl-C gives up.": (
        "请在页面中确认登录。最多等待 {seconds} 秒，按 Ctrl-C 放弃。"
    ),
    "The browser could not be opened. Open the page yourself.": "无法打开浏览器，请自行打开该页面。",
    "The page sends the browser back to port {port} of this machine. From another machine,": (
        "确认后浏览器会返回到本机的 {port} 端口。如果浏览器在另一台机器上，"
    ),
    "  either let that port lead here first:  {command}": "  请先将该端口转发到本机：  {command}",
    "  or paste here the address at which the browser ends, which begins with {uri}": (
        "  或者将浏览器最后停留的地址粘贴到这里，它以 {uri} 开头"
    ),
    "Waiting for {seconds} s at most; Ctrl-C gives up.": "最多等待 {seconds} 秒，按 Ctrl-C 放弃。",
    "That is not the address of this login. Paste the whole of it, with code= and state=.": (
        "这不是本次登录的地址。请粘贴完整的地址，包括 code= 和 state=。"
    ),
    "The login itself is saved. Run the same command again to go on.": "登录本身已保存。请再次运行相同的命令以继续。",
    "account": "账号",
    "access configuration": "访问配置",
    "Account {account}, access configuration {configuration}.": "账号 {account}，访问配置 {configuration}。",
    "Going on with the login that profile {name} of {path} holds until {moment}.": (
        "继续使用 {path} 的配置 {name} 中的登录，有效期至 {moment}。"
    ),
    "Logging in to CloudSSO at {site}, for profile {name} of {path}.": "登录云 SSO（{site}），保存到 {path} 的配置 {name}。",
    "  page  {page}": "  页面    {page}",
    "  code  {code}": "  用户码  {code}",
    "The page is open in your browser. Compare the code, and confirm.": "页面已在浏览器中打开。请核对用户码并确认。",
    "Open the page in a browser, on this or any other machine, type the code in, and confirm.": (
        "请在本机或任意其他机器的浏览器中打开该页面，输入用户码并确认。"
    ),
    "The profile's {what} is no longer one of yours.": "配置中的{what}已不在您的可用范围内。",
    "Which {what}?": "请选择{what}：",
    "Number [1]: ": "序号 [1]：",
    "Type a number from 1 to {most}.": "请输入 1~{most} 之间的序号。",
    "The site did not end the login, which lasts there until it ends by itself: {error}": (
        "站点没有结束登录，它会在站点上保持到自然过期：{error}"
    ),
    "Logged out: profile {name} of {path} holds no token and no key any more.": ("已退出登录：{path} 的配置 {name} 中不再保存令牌和密钥。"),
}
