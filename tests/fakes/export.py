# ruff: noqa: E501 - rows of a CSV file are as long as they are
"""A small export of another system, as untidy as real ones: a byte-order mark, CRLF, days first, empty cells, several
subscriptions at a time, repeated ids, rows of nobody, customers who left and came back. As of 31 December 2024.
"""

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent.parent / "docs/import.md"

ACCOUNTS = """account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,is_trial,churn_flag
A-new,Nova Labs,EdTech,DE,31-12-2024,organic,Basic,9,FALSE,FALSE
A-onb,Orbit GmbH,FinTech,DE,20-12-2024,partner,Basic,4,FALSE,FALSE
A-ado,"Adler, Berg & Co",DevTools,US,20-11-2024,event,Pro,18,TRUE,FALSE
A-val,Valo Oy,HealthTech,UK,02-09-2024,ads,Gold,7,FALSE,FALSE
A-flag,Fjord AS,Cybersecurity,IN,01-02-2023,other,Enterprise,35,FALSE,TRUE
A-gone,Garden Ltd,FinTech,UK,27-08-2023,other,Basic,24,FALSE,FALSE
A-back,Bridge SARL,FinTech,FR,15-01-2023,organic,Pro,3,FALSE,FALSE
A-onb,Orbit again,FinTech,DE,20-12-2024,partner,Basic,4,FALSE,FALSE
A-day,Delta,FinTech,DE,31-02-2024,partner,Basic,4,FALSE,FALSE
A-late,Later,FinTech,DE,01-02-2025,partner,Basic,4,FALSE,FALSE
A-anon,,FinTech,DE,01-02-2024,partner,Basic,4,FALSE,FALSE
,Nobody,FinTech,DE,01-02-2024,partner,Basic,4,FALSE,FALSE
A-short,Cells

"""
SUBSCRIPTIONS = """subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,arr_amount,is_trial,upgrade_flag,downgrade_flag,churn_flag,billing_frequency,auto_renew_flag
S-1,A-ado,29-02-2024,,Pro,10,100,1200,FALSE,FALSE,FALSE,FALSE,annual,TRUE
S-2,A-ado,20-11-2024,20-05-2025,Pro,5,50,600,FALSE,FALSE,FALSE,FALSE,annual,FALSE
S-3,A-ado,20-11-2024,,Basic,2,10,120,FALSE,FALSE,FALSE,FALSE,monthly,TRUE
S-4,A-ado,20-11-2024,01-12-2024,Basic,99,10,120,FALSE,FALSE,FALSE,TRUE,annual,TRUE
S-5,A-ado,20-11-2024,,Basic,77,0,0,TRUE,FALSE,FALSE,FALSE,annual,TRUE
S-6,A-back,01-11-2024,,Pro,3,30,360,FALSE,FALSE,FALSE,FALSE,annual,TRUE
S-7,A-gone,27-08-2023,,Basic,24,30,360,FALSE,FALSE,FALSE,FALSE,annual,TRUE
S-8,A-who,27-08-2023,,Basic,24,30,360,FALSE,FALSE,FALSE,FALSE,annual,TRUE
S-2,A-val,27-08-2023,,Basic,24,30,360,FALSE,FALSE,FALSE,FALSE,annual,TRUE
S-9,A-val,27/08/2023,,Basic,24,30,360,FALSE,FALSE,FALSE,FALSE,annual,TRUE
S-10,A-new,01-03-2025,,Basic,24,30,360,FALSE,FALSE,FALSE,FALSE,annual,TRUE
"""
TICKETS = """ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,first_response_time_minutes,satisfaction_score,escalation_flag
T-1,A-ado,30-12-2024,31-12-2024 03:00,27,high,74,,FALSE
T-2,A-ado,02-12-2024,,,urgent,144,4,FALSE
T-3,A-ado,01-12-2024,,,urgent,144,3,FALSE
T-4,A-ado,,,,urgent,144,3,FALSE
"""
USAGE = """usage_id,subscription_id,usage_date,feature_name,usage_count,usage_duration_secs,error_count,is_beta_feature
U-1,S-1,27-12-2024,feature_20,9,5004,0,FALSE
U-2,S-2,28-12-2024,feature_20,9,369,0,FALSE
U-3,S-3,29-12-2024,feature_5,9,369,0,FALSE
U-1,S-3,29-12-2024,feature_6,9,369,0,FALSE
U-4,S-404,29-12-2024,feature_7,9,369,0,FALSE
U-5,S-3,29-10-2024,feature_8,9,369,0,FALSE
"""
CHURN = """churn_event_id,account_id,churn_date,reason_code,refund_amount_usd,preceding_upgrade_flag,preceding_downgrade_flag,is_reactivation,feedback_text
C-1,A-gone,27-10-2024,pricing,4.03,FALSE,FALSE,FALSE,switched to competitor
C-2,A-back,25-06-2024,support,96.45,TRUE,FALSE,FALSE,
C-3,A-onb,20-01-2025,budget,0,FALSE,FALSE,FALSE,missing features
"""
FILES = {
    "ravenstack_accounts.csv": ACCOUNTS,
    "ravenstack_subscriptions.csv": SUBSCRIPTIONS,
    "ravenstack_supports_ticket.csv": TICKETS,
    "ravenstack_feature_usage.csv": USAGE,
    "ravenstack_churn_events.csv": CHURN,
}
LIST = """id,company,customer_since,plan,timezone,country,arr,csm_email,contact_email,contract_end,seats,health,phase
1,Acme,2024-12-20,Starter,Europe/Berlin,DE,1200.40,mara@stageplay.example.com,Ada@acme.example.com,2025-03-01,12,85,
2,Bolt,2023-01-10,Business,Europe/Berln,D,a lot,nobody@example.com,not an address,2024-03-01,many,170,Lost
3,Curl,2023-01-10,Custom,,,,somebody,,someday,,,Live
"""


def write(folder: Path, **changed: str) -> Path:
    """Write the export into a folder; `changed`: other texts of its files, by their names without what is common."""
    folder.mkdir(exist_ok=True)
    for name, text in FILES.items():
        found = changed.get(name.removeprefix("ravenstack_").removesuffix(".csv"), text)
        (folder / name).write_bytes(b"\xef\xbb\xbf" + found.replace("\n", "\r\n").encode())
    (folder / "customers.csv").write_text(LIST)
    return folder


def mappings() -> tuple[str, str]:
    """The two mappings of docs/import.md: that of `LIST`, and that of `FILES`."""
    first, second = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return first, second


SMALL = """import: crm
files:
  accounts: { path: accounts.csv, account: id }
  more: { path: more.csv, account: id, on: day, id: key }
accounts: { from: accounts, name: name, signed_up_on: since }
"""
"""Says of the files of `write_small` no more than it must."""


def write_small(folder: Path) -> Path:
    """Two accounts and some rows about the first."""
    (folder / "accounts.csv").write_text("id,name,since,left,stage\na,Acme,2024-03-01,,live\nb,Bolt,2024-12-30,,odd\n")
    (folder / "more.csv").write_text(
        "key,id,day,score,word,mail,role,until\n"
        "1,a,2024-12-01,7,yes,Ada@acme.example.com,champion,2025-06-01\n"
        "2,a,2024-12-30,3,no,ada@acme.example.com,billing,2025-07-01\n"
        "3,a,2024-12-30,x,maybe,@,boss,never\n"
        "4,a,2025-01-05,9,yes,bo@acme.example.com,admin,2024-01-01\n"
        "5,a,2024-11-01,,,,,\n"
    )
    return folder
