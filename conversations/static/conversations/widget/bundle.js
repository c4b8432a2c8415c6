const MOST_PAGE_CHARACTERS=2000;
const LONGEST_CALL_MS=20_000;
class Refused extends Error{
isOver=false;
constructor(status,isOurs){
super();
this.status=status;
this.isOurs=isOurs;
}
}
function isRefusal(error,...statuses){
return error instanceof Refused&&error.isOurs&&statuses.includes(error.status);
}
class Api{
constructor(options){
this.options=options;
}
token(old){
const headers={"X-Token":this.options.key,"X-Host":location.hostname};
return this.#post("access-token",{...headers,...bearer(old)},{});
}
async session(token,locale){
const page={url:short(location.href),title:short(document.title),referrer:short(document.referrer)};
const answer=await this.#post("sessions",bearer(token),{platform:"web",locale,page});
return answer.session_id;
}
async check(session,token){
await this.#call(`sessions/${session}`, { headers: bearer(token) });
}
socketUrl(session,cursor){
const origin = this.options.portal.replace(/^http/, "ws");
return `${origin}/ws?session_id=${encodeURIComponent(session)}&cursor=${cursor}`;
}
filesUrl(session){
return `${this.options.portal}/api/v1/sessions/${session}/files`;
}
#post(path,headers,body){
const sent = { "Content-Type": "application/json", ...headers };
return this.#call(path,{method:"POST",headers:sent,body:JSON.stringify(body)});
}
async #call(path,request){
const signal=AbortSignal.timeout?.(LONGEST_CALL_MS);
const answer = await fetch(`${this.options.portal}/api/v1/${path}`, {
...request,credentials:"omit",cache:"no-store",signal,
});
if(answer.ok)return answer.json();
const problem=await answer.json().catch(()=>null);
throw new Refused(answer.status,typeof problem?.error_code==="string");
}
}
function short(text){
return text.slice(0,MOST_PAGE_CHARACTERS);
}
function bearer(token){
return token?{Authorization:`Bearer ${token}`}:{};
}
const RENEW_BEFORE_MS=60_000;
class Admission{
constructor(api,storage){
this.api=api;
this.storage=storage;
}
async token(){
const{token,expiresAt=0}=this.storage.get();
return token&&Date.now()<expiresAt - RENEW_BEFORE_MS?token:this.#newToken();
}
async session(locale,isSuspect){
const{session}=this.storage.get();
if(session){
if(isSuspect)await this.#check(session);
return session;
}
const opened=await this.#withToken((token)=>this.api.session(token,locale));
this.storage.set({session:opened});
return opened;
}
async #check(session){
try{
await this.#withToken((token)=>this.api.check(session,token));
}catch(error){
if(isRefusal(error,404,410))error.isOver=true;
throw error;
}
}
async #withToken(call){
try{
return await call(await this.token());
}catch(error){
if(!isRefusal(error,401))throw error;
}
const token=await this.#newToken();
try{
return await call(token);
}catch(error){
if(isRefusal(error,401))error.isOver=true;
throw error;
}
}
async #newToken(){
return(await tokenRenewed(this.api,this.storage)).access_token;
}
}
async function tokenRenewed(api,storage){
const{session,token}=storage.get();
try{
return tokenKept(storage,await api.token(session&&token));
}catch(error){
if(!session||!token||!isRefusal(error,401))throw error;
return{...(await api.token()),isStrange:true};
}
}
function tokenKept(storage,answer){
storage.set({token:answer.access_token,expiresAt:Date.now()+ answer.expires_in * 1000});
return answer;
}
const TECHNICAL=new Set([
"unknown_event","event_not_allowed","bad_json","session_not_found","conversation_not_found",
"handoff_invalid","conference_joined",
]);
function emptyState(){
return{
phase:"ai",link:"idle",sequence:0,items:[],outbox:[],agents:[],names:{},
aiName:"",hasStarted:false,hasAiJoined:false,queue:{},isCancelling:false,typing:"",
heartbeatSeconds:30,extensions:[],
};
}
function reduce(state,action){
switch(action.type){
case "event":return applyEvent(state,action.event);
case "link":return{...state,link:action.link,typing:""};
case "say":return{...state,outbox:[...state.outbox,action.message]};
case "discard":return{...state,outbox:without(state.outbox,action.id)};
case "cancelling":return{...state,isCancelling:true};
case "typing_over":return{...state,typing:""};
case "lost":return closed(state);
}
}
function visibleItems(state){
const unsent=state.outbox.map(unsentItem);
const retried=new Set([...state.items,...unsent].map((item)=>item.retryOf));
return [...state.items.filter((item)=>!item.messageId||!retried.has(item.messageId)),...unsent];
}
function unreadCount(state,sequence){
return state.items.filter((item)=>isFromAgent(item)&&item.sequence>sequence).length;
}
function isFromAgent(item){
return item.from==="ai_agent"||item.from==="live_agent";
}
const HANDLERS={
SESSION_START:(state,{capabilities={}})=>({
...state,
hasStarted:true,
heartbeatSeconds:capabilities.heartbeat_interval_seconds||state.heartbeatSeconds,
extensions:capabilities.extensions??[],
}),
POLY_AGENT_JOINED:(state,payload)=>({
...idleQueue(state),
phase:"ai",agents:[],limits:undefined,hasAiJoined:true,aiName:payload.agent_name||state.aiName,
}),
POLY_AGENT_THINKING:(state)=>({...state,typing:"ai_agent"}),
POLY_AGENT_MESSAGE:(state,payload,event)=>
addItem({...state,typing:""},event,{...said(payload),from:"ai_agent",name:state.aiName}),
POLY_AGENT_TRIGGERED_HANDOFF:(state)=>({...state,phase:"connecting",typing:""}),
POLY_AGENT_LEFT:(state)=>({...state,phase:"connecting",typing:""}),
HANDOFF_ACCEPTED:(state)=>({...idleQueue(state),phase:"queued"}),
HANDOFF_QUEUE_STATUS:(state,payload)=>queueStatus(state,payload),
HANDOFF_FAILED:(state,payload,event)=>handoffOver(state,payload,event,"failed"),
HANDOFF_TIMEOUT:(state,payload,event)=>handoffOver(state,payload,event,"timeout"),
LIVE_AGENT_JOINED:(state,payload,event)=>agentJoined(state,payload,event),
LIVE_AGENT_TYPING:(state,payload)=>
({...state,typing:payload.state==="TYPING_STATE_STARTED"?"live_agent":""}),
LIVE_AGENT_MESSAGE:(state,payload,event)=>agentSaid(state,payload,event),
LIVE_AGENT_LEFT:(state,payload,event)=>agentLeft(state,payload,event),
LIVE_AGENT_RECEIVED_MESSAGE:(state,{message_id:id})=>
raiseStatus(state,"delivered",(item)=>item.messageId===id),
LIVE_AGENT_READ_MESSAGE:(state,{message_id:id})=>{
const upTo=state.items.find((item)=>item.messageId===id)?.sequence??0;
return raiseStatus(state,"read",(item)=>item.sequence<=upTo);
},
USER_MESSAGE:(state,payload,event)=>echoed(state,payload,event),
SYSTEM_MESSAGE:(state,payload,event)=>systemSaid(state,payload,event),
SESSION_END:(state)=>closed(state),
};
function applyEvent(state,event){
const payload=event.payload??{};
const sequence=event.sequence??0;
if(sequence&&sequence<=state.sequence)return settle(state,event);
const handle=HANDLERS[event.type];
const next=handle?handle(state,payload,event):state;
return sequence?{...next,sequence}:next;
}
function addItem(state,event,item){
const id=event.id??`${event.sequence}`;
if(state.items.some((known)=>known.key===id))return state;
const line={key:id,text:"",at:event.timestamp??"",sequence:event.sequence||state.sequence};
return{...state,items:[...state.items,{...line,...item}]};
}
function said(payload){
return{
text:payload.text??"",messageId:payload.message_id,attachments:payload.attachments,
actions:payload.chat_call_actions,suggestions:payload.response_suggestions,
};
}
function idleQueue(state){
return{...state,queue:{},isCancelling:false,typing:""};
}
function closed(state){
const outbox=state.outbox.map((message)=>({...message,hasFailed:true}));
return{...idleQueue(state),phase:"closed",agents:[],limits:undefined,outbox};
}
function queueStatus(state,payload){
if(state.phase!=="connecting"&&state.phase!=="queued")return state;
const queue={
position:payload.position_in_queue,
wait:payload.estimated_wait_seconds,
text:payload.display_message,
};
return{...state,phase:"queued",queue};
}
function handoffOver(state,{message},event,code){
const line=message?{text:message}:{code};
return addItem(
{...idleQueue(state),phase:"ai",agents:[],limits:undefined},event,{from:"system",...line},
);
}
function agentJoined(state,{agent,attachment_limits:limits},event){
const{id="",name=""}=agent??{};
const others=state.agents.filter((known)=>known.id!==id);
const isBack=others.length<state.agents.length;
const next={
...idleQueue(state),phase:"live",limits,
agents:[...others,{id,name}],names:{...state.names,[id]:name},
};
return isBack?next:addItem(next,event,{from:"system",code:"joined",name});
}
function agentSaid(state,payload,event){
const id=payload.agent_id??"";
const speaker=state.agents.find((agent)=>agent.id===id);
const agents=speaker?[...state.agents.filter((agent)=>agent!==speaker),speaker]:state.agents;
const name=state.names[id]||agents.at(-1)?.name;
const next={...state,agents,typing:("")};
return addItem(next,event,{...said(payload),from:"live_agent",name});
}
function agentLeft(state,payload,event){
const id=payload.agent_id;
const agents=id?state.agents.filter((agent)=>agent.id!==id):[];
const name=payload.agent_name||state.names[id??""]||state.agents.at(-1)?.name;
const next={...state,agents,typing:("")};
return addItem(next,event,{from:"system",code:"left",name});
}
const RANK={sending:0,sent:1,delivered:2,read:3,failed:4};
function raiseStatus(state,status,matches){
const items=state.items.map((item)=>
item.status&&RANK[item.status]<RANK[status]&&matches(item)?{...item,status}:item,
);
return{...state,items};
}
function echoed(state,payload,event){
const custom=event.metadata?.custom??{};
const own={...said(payload),from:("end_user"),retryOf:custom.retry_of};
const key=custom.client_event_id||event.id||`${event.sequence}`;
return addItem(settle(state,event),event,{...own,key,status:"sent"});
}
function settle(state,event){
const id=event.type==="USER_MESSAGE"?event.metadata?.custom?.client_event_id:undefined;
return id?{...state,outbox:without(state.outbox,id)}:state;
}
function systemSaid(state,payload,event){
const{code="",message_id:id}=payload;
if(code==="handoff_forward_failed"&&id){
return raiseStatus(state,"failed",(item)=>item.messageId===id);
}
const refused=event.metadata?.custom?.client_event_id;
const isError=payload.level==="SYSTEM_MESSAGE_LEVEL_ERROR";
const outbox=state.outbox.map((message)=>
isError&&message.id===refused?{...message,hasFailed:true}:message,
);
const next={...state,outbox,typing:isError?(""):state.typing};
if(TECHNICAL.has(code)||!payload.message)return next;
return addItem(next,event,{from:"system",text:payload.message});
}
function unsentItem(message){
return{
key:message.id,from:"end_user",text:message.text,at:message.at,retryOf:message.retryOf,
sequence:Infinity,status:message.hasFailed?"failed":"sending",attachments:message.files,
};
}
function without(outbox,id){
return outbox.filter((message)=>message.id!==id);
}
function acknowledgeReceived(state,storage,send){
for(const item of liveItemsAfter(state,storage.get().received)){
if(!acknowledge("USER_RECEIVED_MESSAGE",item,state,send))return;
storage.set({received:item.sequence});
}
}
function acknowledgeSeen(state,storage,send){
const newest=state.items.findLast(isFromAgent);
const{seen=0}=storage.get();
if(!newest||newest.sequence<=seen)return;
const live=liveItemsAfter(state,seen).at(-1);
if(live&&!acknowledge("USER_READ_MESSAGE",live,state,send))return;
storage.set({seen:newest.sequence});
}
function liveItemsAfter(state,sequence=0){
return state.items.filter((item)=>item.from==="live_agent"&&item.sequence>sequence);
}
function acknowledge(type,item,state,send){
const isTaken=state.extensions.includes(type)||state.extensions.includes(`EVENT_TYPE_${type}`);
return!isTaken||state.phase==="closed"||send(type,{message_id:item.messageId});
}
const LONGEST_WAIT_SECONDS=30;
const SILENT_INTERVALS=2.5;
const READY_WITHOUT_BATCH_SECONDS=3;
const LONGEST_HANDSHAKE_SECONDS=20;
class Connection{
#socket;
#failures=0;
#refusals=0;
#attempt=0;
#lastFrameAt=0;
#isReady=false;
#timers={};
constructor(hooks){
this.hooks=hooks;
}
start(){
addEventListener("online",this.#wake);
addEventListener("offline",this.#lose);
document.addEventListener("visibilitychange",this.#wake);
this.hooks.onLink("opening");
void this.#open();
}
stop(){
removeEventListener("online",this.#wake);
removeEventListener("offline",this.#lose);
document.removeEventListener("visibilitychange",this.#wake);
this.#drop();
}
send(type,payload={},custom){
if(!this.#isReady||this.#socket?.readyState!==WebSocket.OPEN)return false;
const metadata=custom&&{custom};
this.#socket.send(JSON.stringify({type:`EVENT_TYPE_${type}`,payload,metadata}));
return true;
}
async #open(){
this.#drop();
const attempt=this.#attempt;
try{
const target=await this.hooks.prepare(this.#refusals);
if(attempt!==this.#attempt)return;
if(target)this.#listen(new WebSocket(target.url,["baton.v1",`bearer.${target.token}`]));
}catch{
if(attempt===this.#attempt)this.#lose();
}
}
#listen(socket){
this.#socket=socket;
this.#later("ready",LONGEST_HANDSHAKE_SECONDS,this.#refuse);
socket.onopen=()=>{
this.#heard();
this.#later("ready",READY_WITHOUT_BATCH_SECONDS,()=>this.#ready());
this.#beat();
};
socket.onmessage=(message)=>this.#receive(String(message.data));
socket.onclose=this.#refuse;
}
#refuse=()=>{
if(!this.#isReady)this.#refusals +=1;
this.#lose();
};
#receive(text){
this.#heard();
const frame=frameOf(text);
if(!frame)return;
if(frame.type!=="EVENT_BATCH")return this.#deliver(frame);
const events=(frame.payload?.events??[]).map(withoutPrefix);
events.sort((a,b)=>(a.sequence??Infinity)-(b.sequence??Infinity));
events.forEach(this.hooks.onEvent);
this.#ready();
}
#deliver(event){
const isGap=event.sequence&&event.sequence>this.hooks.cursor()+ 1;
if(isGap)void this.#open();
else this.hooks.onEvent(event);
}
#ready(){
clearTimeout(this.#timers.ready);
this.#failures=this.#refusals=0;
if(!this.#isReady)this.hooks.onLink("open");
this.#isReady=true;
this.hooks.onReady();
}
#beat(){
this.#later("beat",this.hooks.heartbeatSeconds(),()=>{
this.send("HEARTBEAT");
this.#beat();
});
}
#heard(){
this.#lastFrameAt=Date.now();
this.#later("silence",this.hooks.heartbeatSeconds()* SILENT_INTERVALS,this.#lose);
}
#isSilent(){
return Date.now()- this.#lastFrameAt>this.hooks.heartbeatSeconds()* SILENT_INTERVALS * 1000;
}
#lose=()=>{
this.#drop();
this.hooks.onLink("broken");
const seconds=Math.min(LONGEST_WAIT_SECONDS,2 ** this.#failures++);
this.#later("retry", seconds * (0.5 + Math.random() / 2), () => void this.#open());
};
#wake=()=>{
if(document.visibilityState==="hidden")return;
const isWaiting=!this.#socket&&this.#timers.retry!==undefined;
if(isWaiting||(this.#socket?.readyState===WebSocket.OPEN&&this.#isSilent())){
void this.#open();
}
};
#drop(){
this.#attempt +=1;
Object.values(this.#timers).forEach(clearTimeout);
this.#timers={};
this.#isReady=false;
const socket=this.#socket;
this.#socket=undefined;
if(!socket)return;
socket.onopen=socket.onmessage=socket.onclose=null;
socket.close();
}
#later(name,seconds,run){
clearTimeout(this.#timers[name]);
this.#timers[name]=setTimeout(()=>{
delete this.#timers[name];
run();
},seconds * 1000);
}
}
function frameOf(text){
try{
return withoutPrefix(JSON.parse(text));
}catch{
return null;
}
}
function withoutPrefix(event){
return{...event,type:event.type.replace("EVENT_TYPE_","")};
}
const START_EVERY_MS=3000;
const STOP_AFTER_MS=5000;
class Typing{
#startedAt=0;
#idle;
constructor(report){
this.report=report;
}
touch(){
clearTimeout(this.#idle);
this.#idle=setTimeout(()=>this.stop(),STOP_AFTER_MS);
if(Date.now()- this.#startedAt<START_EVERY_MS)return;
this.#startedAt=Date.now();
this.report("STARTED");
}
stop(){
clearTimeout(this.#idle);
if(this.#startedAt)this.report("STOPPED");
this.#startedAt=0;
}
}
const AGENT_TYPING_MS=10_000;
const AI_THINKING_MS=60_000;
class Conversation{
state=emptyState();
isWatched=()=>false;
#connection;
#typingTimer;
#announcedSequence=0;
#session;
#isRenderDue=false;
#hasAskedForAi=false;
#typing=new Typing((state)=>this.#send("USER_TYPING",{state:`TYPING_STATE_${state}`}));
constructor(api,storage,locale,onChange,onNews){
this.api=api;
this.admission=new Admission(api,storage);
this.storage=storage;
this.locale=locale;
this.onChange=onChange;
this.onNews=onNews;
}
get unread(){
return unreadCount(this.state,this.storage.get().seen??0);
}
start(){
if(this.#connection||this.state.phase==="closed")return;
const{outbox=[],sequence=0}=this.storage.get();
this.#announcedSequence=sequence;
outbox.forEach((message)=>this.#dispatch({type:"say",message}));
this.#connection=new Connection({
prepare:(refusals)=>this.#prepare(refusals),
heartbeatSeconds:()=>this.state.heartbeatSeconds,
cursor:()=>this.state.sequence,
onEvent:(event)=>this.#apply(event),
onReady:()=>this.#caughtUp(),
onLink:(link)=>this.#linked(link),
});
this.#connection.start();
}
#linked(link){
if(link==="open")this.#hasAskedForAi=false;
this.#dispatch({type:"link",link});
}
stop(){
this.#typing.stop();
this.#connection?.stop();
this.#connection=undefined;
}
restart(){
this.storage.forget();
this.rejoin();
}
follow(){
const{session}=this.storage.get();
if(session&&session!==this.#session)this.rejoin();
}
rejoin(){
this.stop();
this.state=emptyState();
this.start();
}
say(text,retryOf,files){
this.#typing.stop();
const message={id:newId(),text,at:new Date().toISOString(),retryOf,files};
this.storage.keepUnsent(message);
this.#dispatch({type:"say",message});
this.#sendMessage(message);
}
retry(item){
this.storage.dropUnsent(item.key);
this.#dispatch({type:"discard",id:item.key});
this.say(item.text,item.messageId??item.retryOf,item.attachments);
}
typed(isEmpty){
if(isEmpty)this.#typing.stop();
else if(this.state.phase==="live"&&this.state.agents.length)this.#typing.touch();
}
get canCancel(){
const{extensions}=this.state;
return extensions.some((name)=>name.endsWith("USER_CANCEL_HANDOFF"));
}
cancel(){
if(this.#send("USER_CANCEL_HANDOFF"))this.#dispatch({type:"cancelling"});
}
end(){
this.#send("USER_END_SESSION");
}
watch(){
if(this.isWatched())acknowledgeSeen(this.state,this.storage,this.#send);
}
async uploadTarget(){
return{token:await this.admission.token(),url:this.api.filesUrl(this.#session)};
}
async #prepare(refusals){
try{
this.#session=await this.admission.session(this.locale,refusals>0);
const url=this.api.socketUrl(this.#session,this.state.sequence);
return{token:await this.admission.token(),url};
}catch(error){
if(!(error instanceof Refused&&error.isOver))throw error;
if(error.status!==410)this.storage.set({session:undefined,token:undefined});
}
this.#dispatch({type:"lost"});
return null;
}
#apply(event){
const before=this.state.sequence;
this.#dispatch({type:"event",event});
const echoed=event.metadata?.custom?.client_event_id;
if(echoed)this.storage.dropUnsent(echoed);
this.#watchTyping(event);
if(this.state.sequence>Math.max(before,this.#announcedSequence))this.onNews(event);
if(event.type==="SESSION_END")this.#ended();
}
#ended(){
this.storage.set({outbox:[],sequence:this.state.sequence});
this.stop();
this.watch();
}
#watchTyping({type}){
if(type!=="LIVE_AGENT_TYPING"&&type!=="POLY_AGENT_THINKING")return;
clearTimeout(this.#typingTimer);
const limit=type==="LIVE_AGENT_TYPING"?AGENT_TYPING_MS:AI_THINKING_MS;
this.#typingTimer=setTimeout(()=>this.#dispatch({type:"typing_over"}),limit);
}
#caughtUp(){
if(this.state.hasStarted&&!this.state.hasAiJoined&&!this.#hasAskedForAi){
this.#hasAskedForAi=this.#send("REQUEST_POLY_AGENT_JOIN");
}
this.state.outbox.filter((message)=>!message.hasFailed).forEach(this.#sendMessage);
}
#sendMessage=({id,text,retryOf,files})=>{
const custom={client_event_id:id,...(retryOf&&{retry_of:retryOf})};
const attachments=files?.map(({file_id})=>({file_id}));
this.#send("USER_MESSAGE",{text,attachments},custom);
};
#send=(type,payload,custom)=>this.#connection?.send(type,payload,custom)??false;
#dispatch(action){
this.state=reduce(this.state,action);
if(this.#isRenderDue)return;
this.#isRenderDue=true;
queueMicrotask(()=>this.#settle());
}
#settle(){
this.#isRenderDue=false;
const{sequence}=this.state;
if(sequence>(this.storage.get().sequence??0))this.storage.set({sequence});
acknowledgeReceived(this.state,this.storage,this.#send);
this.watch();
this.onChange();
}
}
function newId(){
if(crypto.randomUUID)return crypto.randomUUID();
const bytes=crypto.getRandomValues(new Uint8Array(16));
bytes[6]=(bytes[6]&15)|64;
bytes[8]=(bytes[8]&63)|128;
const hex=Array.from(bytes,(byte)=>byte.toString(16).padStart(2,"0")).join("");
return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
const NAMES={
POLY_AGENT_TRIGGERED_HANDOFF:"handoff",
CLIENT_HANDOFF_REQUIRED:"handoff",
LIVE_AGENT_JOINED:"agent_joined",
LIVE_AGENT_LEFT:"agent_left",
POLY_AGENT_MESSAGE:"message",
LIVE_AGENT_MESSAGE:"message",
USER_MESSAGE:"message",
SESSION_END:"session_end",
};
const SPEAKERS={
POLY_AGENT_MESSAGE:"ai_agent",LIVE_AGENT_MESSAGE:"live_agent",USER_MESSAGE:"end_user",
};
class PageEvents{
#listeners=new Map();
on=(name,run)=>{
this.#listeners.set(name,(this.#listeners.get(name)??new Set()).add(run));
};
off=(name,run)=>{
this.#listeners.get(name)?.delete(run);
};
tell=({type,payload})=>{
const detail={...payload,...(SPEAKERS[type]&&{from:SPEAKERS[type]})};
for(const run of this.#listeners.get(NAMES[type]??"")??[]){
try{
run(detail);
}catch(error){
reportError(error);
}
}
};
}
const ICONS={
chat:"M5 4h14a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-6l-5 4v-4H5a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3Z",
down:"m5 9 7 7 7-7",
end:"M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M9 16l-4-4 4-4M5 12h10",
send:"M4 12 3 4l18 8-18 8 1-8Zm0 0h8",
sparkle:"M11 4l1.9 5.1L18 11l-5.1 1.9L11 18l-1.9-5.1L4 11l5.1-1.9ZM18.5 15.5l.8 2.2 2.2.8-2.2.8-.8 2.2-.8-2.2-2.2-.8 2.2-.8Z",
clip:"M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5Zm0 0v5h5",
phone:"M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A15 15 0 0 1 3 6a2 2 0 0 1 2-2Z",
sending:"M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
sent:"m5 12.5 4.5 4.5L19 7.5",
delivered:"m2 12.5 4.5 4.5L16 7.5M11 16l1 1 9.5-9.5",
failed:"M12 8v5m0 3v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
};
ICONS.read=ICONS.delivered;
function h(tag,attributes={},...children){
const element=document.createElement(tag);
for(const [name,value] of Object.entries(attributes)){
if(typeof value==="function")element.addEventListener(name.slice(2),value);
else if(value!==false&&value!=null)element.setAttribute(name,value===true?"":value);
}
element.append(...children);
return element;
}
function icon(name){
const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
svg.setAttribute("viewBox","0 0 24 24");
svg.setAttribute("aria-hidden","true");
svg.setAttribute("class",`icon icon-${name}`);
path.setAttribute("d",ICONS[name]);
svg.append(path);
return svg;
}
function setText(element,text){
if(element.textContent!==text)element.textContent=text;
}
function linked(text){
return text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}])/gi).map((part, index) =>
index % 2?link(part,part)??part:part,
);
}
function link(address,...children){
const url=parseUrl(address);
if (!url || !/^https?:$/.test(url.protocol)) return null;
return h("a",{href:url.href,target:"_blank",rel:"noopener noreferrer"},...children);
}
function parseUrl(address){
try{
return new URL(address,import.meta.url);
}catch{
return null;
}
}
class Banner{
constructor(words,actions){
this.words=words;
this.text=h("span");
this.cancel=h("button",{type:"button","data-testid":"cancel",onclick:actions.cancel});
this.element=h("div",{class:"banner",role:"status","data-testid":"banner",hidden:true},
h("span",{class:"pulse","aria-hidden":"true"}),this.text,this.cancel);
}
render({phase,queue,isCancelling},isOffline,canCancel){
const{say}=this.words;
const kind=isOffline?"offline":phase;
this.element.dataset.kind=kind;
this.element.hidden=kind==="ai"||kind==="live"||kind==="closed";
if(kind==="offline")setText(this.text,say("offlineHint"));
if(kind==="connecting")setText(this.text,say("connecting"));
if(kind==="queued")setText(this.text,this.#place(queue));
this.cancel.hidden=kind!=="queued"||!canCancel;
this.cancel.disabled=isCancelling;
setText(this.cancel,say(isCancelling?"cancelling":"cancel"));
}
#place({text,position,wait}){
const{say}=this.words;
if(text)return text;
const place=position?say("position",{n:position}):"";
const minutes = Math.ceil((wait ?? 0) / 60);
const time=wait==null?"":wait<60?say("waitShort"):say("wait",{n:minutes});
return [place,time].filter(Boolean).join(" ")||say("queued");
}
}
const DEFAULT_ACCENT="#3056d3";
const TEXT_CONTRAST=4.5;
const SHAPE_CONTRAST=1.6;
function accentOn({surface,raised},accent){
const brand = rgbOf(/^#([\da-f]{3}|[\da-f]{6})$/i.test(accent ?? "") ? `${accent}` : DEFAULT_ACCENT);
const fill=away(brand,rgbOf(surface),SHAPE_CONTRAST);
const white=rgbOf("#fff");
const on=contrast(fill,white)>=TEXT_CONTRAST?white:rgbOf("#0b0d12");
return{fill:css(fill),on:css(on),link:css(away(brand,rgbOf(raised),TEXT_CONTRAST))};
}
function rgbOf(hex){
const long = hex.length === 4 ? hex.replace(/\w/g, "$&$&") : hex;
const part=(at)=>parseInt(long.slice(at,at + 2),16);
return [part(1),part(3),part(5)];
}
function css(rgb){
return `rgb(${rgb.map(Math.round).join(" ")})`;
}
function away(colour,ground,least){
const target=luminance(ground)>0.18?0:255;
for(let step=0;step<=20;step++){
const mixed = (colour.map((part) => part + ((target - part) * step) / 20));
if(contrast(mixed,ground)>=least)return mixed;
}
return [target,target,target];
}
function contrast(a,b){
const [dark,light]=[luminance(a),luminance(b)].sort((one,two)=>one - two);
return (light + 0.05) / (dark + 0.05);
}
function luminance(rgb){
const [r,g,b]=rgb.map((part)=>{
const share = part / 255;
return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
});
return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const MOST_CHARACTERS=20_000;
class Composer{
files;
constructor(words,actions){
this.words=words;
this.actions=actions;
this.refusal=h("div",{class:"refusal",id:"refusal",role:"alert","data-testid":"refusal"});
this.input=h("textarea",{
rows:"1",dir:"auto","data-testid":"input",
"aria-label":words.say("write"),placeholder:words.say("write"),
"aria-describedby":"refusal",enterkeyhint:"send",oninput:()=>this.#changed(),
onkeydown:(event)=>this.#key(event),
});
this.button=h("button",{
class:"send",type:"submit","data-testid":"send",
"aria-label":words.say("send"),"aria-disabled":"true",
},icon("send"));
this.box=h("div",{class:"box"},this.input,this.button);
this.element=h("form",{
class:"composer",onsubmit:(event)=>{
event.preventDefault();
this.#submit();
},
},this.refusal,this.box);
}
async takeFiles(limits){
if(!limits&&!this.files)return;
this.files ??= import("./files.js").then(({ Files }) => new Files(this, this.words, this.actions, { h, icon }));
(await this.files).render(limits);
}
refuse(text){
this.refusal.textContent=text;
}
#key(event){
const isComposing=event.isComposing||event.keyCode===229;
if(event.key!=="Enter"||event.shiftKey||isComposing)return;
event.preventDefault();
this.#submit();
}
#submit(){
const text=this.input.value.trim();
this.#refuse();
this.input.focus();
if(!text||length(text)>MOST_CHARACTERS)return;
this.input.value="";
this.actions.say(text);
this.#changed();
}
#changed(){
const{input}=this;
this.button.setAttribute("aria-disabled",String(!input.value.trim()));
this.#refuse();
this.actions.typed(!input.value);
this.grow();
}
grow(){
this.input.style.height="auto";
if(this.input.scrollHeight)this.input.style.height=`${this.input.scrollHeight}px`;
}
#refuse(){
const count=length(this.input.value.trim());
const n=new Intl.NumberFormat(this.words.locale).format(count);
this.refuse(count>MOST_CHARACTERS?this.words.say("tooLong",{n}):"");
}
}
function length(text){
return [...text].length;
}
const NEAR_THE_END_PX=80;
const MOST_ANNOUNCED=2;
class Log{
#rows=new Map();
#replies;
#typing;
#hasOwnNews=false;
constructor(words,actions){
this.words=words;
this.actions=actions;
this.#replies=h("div",{class:"replies",role:"group","aria-label":words.say("replies")});
this.#typing=h("div",{class:"typing","data-testid":"typing",hidden:true});
this.#typing.append(h("span"),h("span"),h("span"));
this.element=h("div",{
class:"log",role:"log","aria-live":"polite","aria-label":words.say("log"),tabindex:"0",
"data-testid":"log",onscroll:()=>this.#updateJump(),
},this.#replies,this.#typing);
this.jump=h("button",{
class:"jump",type:"button","data-testid":"jump","aria-label":words.say("jump"),hidden:true,
onclick:()=>this.toEnd(),
},icon("down"));
this.time=new Intl.DateTimeFormat(words.locale,{hour:"numeric",minute:"2-digit"});
this.day=new Intl.DateTimeFormat(words.locale,{dateStyle:"medium",timeStyle:"short"});
}
render(state){
const items=visibleItems(state);
const isAtEnd=this.#distance()<NEAR_THE_END_PX;
this.#hasOwnNews=false;
const isReplay=!this.#rows.size&&items.length>MOST_ANNOUNCED;
this.element.setAttribute("aria-live",isReplay?"off":"polite");
this.#dropMissing(items);
items.forEach((item,index)=>this.#place(item,items[index - 1],items[index + 1],index,state));
this.#renderReplies(state,items.at(-1));
this.#renderTyping(state);
if(isAtEnd||this.#hasOwnNews)this.toEnd();
this.#updateJump();
}
toEnd(){
this.element.scrollTop=this.element.scrollHeight;
}
#distance(){
const{scrollHeight,scrollTop,clientHeight}=this.element;
return scrollHeight - scrollTop - clientHeight;
}
#updateJump(){
this.jump.hidden=this.#distance()<NEAR_THE_END_PX;
}
#dropMissing(items){
const keys=new Set(items.map((item)=>item.key));
for(const [key,row] of this.#rows){
if(keys.has(key))continue;
row.remove();
this.#rows.delete(key);
}
}
#place(item,before,after,index,state){
let row=this.#rows.get(item.key);
if(!row){
row=item.from==="system"?this.#systemRow(item):this.#messageRow(item);
this.#rows.set(item.key,row);
this.#hasOwnNews||=item.status==="sending";
}
if(this.element.children[index]!==row)this.element.insertBefore(row,this.element.children[index]);
if(item.from==="system")return;
this.#fill(row,item);
row.classList.toggle("first",!isSameSpeaker(item,before));
row.classList.toggle("last",!isSameSpeaker(item,after)||item.status!==after?.status);
if(item.status)this.#renderStatus(row,item,state);
}
#systemRow({code,name,text}){
const{say}=this.words;
const line=code?say(code,{name:name||say("someone")}):text;
return h("div",{class:"system","data-testid":"message","data-from":"system"},line);
}
#messageRow(item){
const row=h("div",{class:`row ${item.from}`,"data-testid":"message","data-from":item.from});
const who=item.from==="end_user"?this.words.say("you"):this.#nameOf(item);
if(isFromAgent(item))row.append(mark(item.from,who));
const at=new Date(item.at||Date.now());
const shown=at.toDateString()===new Date().toDateString()?this.time:this.day;
const time=h("time",{datetime:at.toISOString(),title:this.day.format(at)},shown.format(at));
row.append(
h("div",{class:"body"},
h("span",{class:isFromAgent(item)?"name":"name unseen"},who),
h("div",{class:"bubble-text"}),
h("div",{class:"meta"},time)),
);
return row;
}
#fill(row,item){
const urls=(item.attachments??[]).map((file)=>file.content_url).join(" ");
if(row.dataset.files===urls)return;
row.dataset.files=urls;
const text=h("div",{class:"text",dir:"auto"},...linked(item.text));
const bubble=(row.querySelector(".bubble-text"));
bubble.replaceChildren(...(item.text?[text]:[]),...this.#extras(item));
}
#nameOf(item){
return item.name||this.words.say(item.from==="ai_agent"?"ai":"live");
}
#extras({attachments=[],actions=[]}){
const files=attachments.map((file)=>{
const title=file.title||file.file_name||file.call_to_action_text||this.words.say("attachment");
const size=file.size_bytes?` · ${this.words.size(file.size_bytes)}`:"";
const label=h("span",{dir:"auto"},title + size);
const shown=[icon("clip"),label];
if(file.preview_image_url)shown.unshift(thumbnail(file.preview_image_url,title));
return h("div",{class:"extra"},link(file.content_url??"javascript:",...shown)??label);
});
const calls=actions.map(({title,contact_number:number})=>{
const label=h("span",{dir:"auto"},title||number);
return h("div",{class:"extra"},h("a",{href:`tel:${number}`},icon("phone"),label));
});
return [...files,...calls];
}
#renderStatus(row,item,state){
const{say}=this.words;
if(row.dataset.status===item.status&&item.status!=="failed")return;
const{status="sent"}=item;
row.dataset.status=status;
const meta=(row.querySelector(".meta"));
const time=(row.querySelector("time"));
const hasFailed=status==="failed";
const text=say(hasFailed?"notDelivered":status);
const label=h("span",{class:hasFailed?"":"unseen"},text);
const again=h("button",{
class:"retry",type:"button","data-testid":"retry",onclick:()=>this.actions.retry(item),
},say("retry"));
const tick=icon(status);
meta.replaceChildren(...(hasFailed?[tick,label]:[time,tick,label]));
if(hasFailed)meta.append(time);
if(hasFailed&&state.phase!=="closed")meta.insertBefore(again,time);
time.hidden=hasFailed;
}
#renderReplies(state,last){
const isOffered=last&&isFromAgent(last)&&state.phase!=="closed";
const offers=(isOffered&&last.suggestions?.map((one)=>one.message_text).filter(Boolean))||[];
if(this.#replies.dataset.offers===JSON.stringify(offers))return;
this.#replies.dataset.offers=JSON.stringify(offers);
this.#replies.replaceChildren(...offers.map((text)=>
h("button",{class:"reply",type:"button",dir:"auto",onclick:()=>this.actions.say(text)},text)));
}
#renderTyping({typing,agents,aiName}){
this.#typing.hidden=!typing;
if(!typing)return;
const isLive=typing==="live_agent";
const name=(isLive?agents.at(-1)?.name:aiName)||this.words.say(isLive?"live":"ai");
this.#typing.setAttribute("role","img");
this.#typing.setAttribute("aria-label",this.words.say("typing",{name}));
}
}
function thumbnail(src,alt){
return h("img",{src,alt,onerror:({target})=>(target).remove()});
}
function mark(from,name){
const isPerson=from==="live_agent";
const initial=[...name.trim()][0]?.toUpperCase()??"";
return h("span",{class:`mark ${from}`,"aria-hidden":"true"},isPerson?initial:icon("sparkle"));
}
function isSameSpeaker(item,other){
return item.from===other?.from&&item.name===other?.name;
}
const STATUS={ai:"ai",connecting:"connecting",queued:"queued",live:"live",closed:"closedShort"};
class Header{
#shown="";
constructor(words,actions,names){
const{say}=words;
this.words=words;
this.names=names;
this.who=h("span",{class:"who"});
this.name=h("strong");
this.status=h("span",{class:"status","data-testid":"state"});
this.end=tool("end","end",say("end"),()=>this.#ask());
this.close=tool("close","down",say("close"),actions.close);
this.question=h("div",{class:"banner",role:"group","aria-label":say("endAsk"),hidden:true},
h("span",{},say("endAsk")),
choice("end-confirm",say("endYes"),()=>this.dismiss(actions.end)),
choice("end-keep",say("endNo"),()=>this.dismiss()));
this.element=h("header",{},
this.who,h("div",{class:"names"},this.name,this.status),this.end,this.close);
}
#ask(){
this.question.hidden=false;
this.question.querySelector("button")?.focus();
}
dismiss(then){
this.question.hidden=true;
this.end.focus();
then?.();
}
render(state,isOffline){
const{say}=this.words;
const person=state.phase==="live"?state.agents.at(-1):undefined;
const aiName=(state.phase==="ai"&&(state.aiName||this.names.aiName))||this.names.title;
const name=person?person.name||say("live"):aiName;
setText(this.name,name);
setText(this.status,say(isOffline?"offline":STATUS[state.phase]));
this.#renderMark(person?"live_agent":"ai_agent",name);
this.end.hidden=state.phase==="closed"||!state.hasStarted||isOffline;
if(this.end.hidden)this.question.hidden=true;
}
#renderMark(from,name){
if(this.#shown!==from + name)this.who.replaceChildren(mark(from,name));
this.#shown=from + name;
}
}
function tool(id,shape,label,onclick){
return h("button",
{class:"tool",type:"button","data-testid":id,"aria-label":label,title:label,onclick},icon(shape));
}
function choice(id,label,onclick){
return h("button",{type:"button","data-testid":id,onclick},label);
}
const THEMES={
light:{surface:"#ffffff",raised:"#f1f2f5"},
dark:{surface:"#181a20",raised:"#262a33"},
};
class View{
constructor(options,settings,words,actions,style){
const title=settings.title||words.say("title");
this.words=words;
this.actions=actions;
this.log=new Log(words,actions);
this.composer=new Composer(words,actions);
this.banner=new Banner(words,actions);
this.header=new Header(words,actions,{title,aiName:settings.agent_name});
this.again=h("button",{
type:"button",class:"again","data-testid":"new-chat",onclick:actions.restart,
},words.say("again"));
this.foot=h("div",{class:"foot",hidden:true},h("p",{},words.say("closed")),this.again);
this.badge=h("span",{class:"badge","aria-hidden":"true","data-testid":"badge",hidden:true});
this.news=h("div",{class:"unseen",role:"status"});
this.bubble=this.#buildBubble();
this.panel=this.#buildPanel(title);
this.frame=h("div",{class:"frame",dir:words.dir,lang:words.locale},
this.bubble,this.news,this.panel);
this.host=this.#attach(style);
this.#apply(options,settings);
}
get isOpen(){
return!this.panel.hidden;
}
show(isOpen,takesFocus){
this.panel.hidden=!isOpen;
this.frame.classList.toggle("open",isOpen);
this.bubble.setAttribute("aria-expanded",String(isOpen));
this.#fitKeyboard();
this.composer.grow();
if(takesFocus&&isOpen)this.focusField();
else if(takesFocus)this.bubble.focus();
}
focusField(){
const field=this.foot.hidden?this.composer.input:this.again;
(matchMedia("(pointer: coarse)").matches?this.panel:field).focus({preventScroll:true});
}
showIcon(isShown){
this.bubble.hidden=!isShown;
}
remove(){
visualViewport?.removeEventListener("resize",this.#fitKeyboard);
this.host.remove();
}
render({state,unread,canCancel}){
const isClosed=state.phase==="closed";
const wasClosed=!this.foot.hidden;
const hasFocus=this.panel.matches(":focus-within");
const isOffline=state.link==="broken"&&!isClosed;
this.host.dataset.state=isOffline?"offline":state.phase;
this.header.render(state,isOffline);
this.banner.render(state,isOffline,canCancel);
this.#renderBubble(this.isOpen?0:unread);
this.composer.element.hidden=isClosed;
void this.composer.takeFiles(state.limits);
this.foot.hidden=!isClosed;
this.log.render(state);
if(isClosed&&!wasClosed&&hasFocus)this.focusField();
}
#buildBubble(){
const{open,close}=this.actions;
return h("button",{
class:"bubble",type:"button","data-testid":"bubble","aria-expanded":"false",
onclick:()=>(this.isOpen?close():open()),
},icon("chat"),icon("down"),this.badge);
}
#buildPanel(title){
const keys=(event)=>this.#key(event);
return h("section",{
class:"panel","data-testid":"panel","aria-label":title,tabindex:"-1",hidden:true,
onkeydown:keys,onkeypress:keys,onkeyup:keys,
},this.header.element,this.header.question,this.banner.element,
h("div",{class:"stage"},this.log.element,this.log.jump),this.composer.element,this.foot);
}
#key(event){
event.stopPropagation();
if(event.type!=="keydown"||event.key!=="Escape"||event.isComposing)return;
if(this.header.question.hidden)this.actions.close();
else this.header.dismiss();
}
#attach(style){
const host=document.createElement("baton-widget");
const root=host.attachShadow({mode:"open"});
root.adoptedStyleSheets=[style];
root.append(this.frame);
document.body.append(host);
visualViewport?.addEventListener("resize",this.#fitKeyboard);
return host;
}
#apply({isFullscreen,hasIcon,hasHeader},{accent}){
this.frame.classList.toggle("fullscreen",isFullscreen);
this.bubble.hidden=!hasIcon||isFullscreen;
this.header.element.hidden=!hasHeader;
this.header.close.hidden=isFullscreen;
for(const [name,theme] of Object.entries(THEMES)){
for(const [part,colour] of Object.entries(accentOn(theme,accent))){
this.frame.style.setProperty(`--${name}-${part}`,colour);
}
}
}
#renderBubble(unread){
const label=this.isOpen?"close":unread?"openUnread":"open";
this.bubble.setAttribute("aria-label",this.words.say(label,{n:unread}));
setText(this.news,unread?this.words.say("openUnread",{n:unread}):"");
this.badge.hidden=!unread;
setText(this.badge,unread>99?"99+":`${unread}`);
}
#fitKeyboard=()=>{
this.frame.style.setProperty("--viewport",`${visualViewport?.height ?? innerHeight}px`);
this.log.toEnd();
};
}
class App{
#events=new PageEvents();
constructor({options,settings,locale,words,style},api,storage){
this.options=options;
this.storage=storage;
this.conversation=new Conversation(api,storage,locale,this.#draw,this.#events.tell);
this.view=new View(options,settings,words,this.#actions(),style);
this.conversation.isWatched=()=>this.view.isOpen&&document.visibilityState==="visible";
document.addEventListener("visibilitychange",this.#looked);
this.stopFollowing=storage.onChange(this.#otherTabWrote);
this.#begin();
}
pageApi(){
return{
openWidget:()=>this.show(true),
closeWidget:()=>this.show(false),
showIcon:()=>this.view.showIcon(true),
hideIcon:()=>this.view.showIcon(false),
on:this.#events.on,
off:this.#events.off,
destroy:()=>this.destroy(),
};
}
show(isOpen,takesFocus=true){
if(!isOpen&&this.options.isFullscreen)return;
this.view.show(isOpen,takesFocus);
rememberOpen(this.options.key,isOpen);
if(isOpen)this.conversation.start();
this.conversation.watch();
this.#draw();
}
destroy(){
this.conversation.stop();
this.stopFollowing();
document.removeEventListener("visibilitychange",this.#looked);
this.view.remove();
delete window.HandoffChat;
delete window.WebchatAPI;
}
#begin(){
const{isAutoOpen,isFullscreen,key}=this.options;
if(this.storage.get().session)this.conversation.start();
this.#draw();
if(isAutoOpen||isFullscreen||wasOpen(key))this.show(true,false);
}
#actions(){
const{conversation}=this;
return{
open:()=>this.show(true),
close:()=>this.show(false),
say:(text)=>conversation.say(text),
sendFile:(file)=>conversation.say("",undefined,[file]),
uploadTarget:()=>conversation.uploadTarget(),
retry:(item)=>conversation.retry(item),
typed:(isEmpty)=>conversation.typed(isEmpty),
cancel:()=>conversation.cancel(),
end:()=>conversation.end(),
restart:()=>{
conversation.restart();
this.#draw();
this.view.focusField();
},
};
}
#draw=()=>this.view.render(this.conversation);
#looked=()=>{
this.conversation.watch();
this.#draw();
};
#otherTabWrote=()=>{
this.conversation.follow();
this.#draw();
};
}
function wasOpen(key){
try{
return sessionStorage.getItem(openName(key))==="1";
}catch{
return false;
}
}
function rememberOpen(key,isOpen){
try{
sessionStorage.setItem(openName(key),isOpen?"1":"0");
}catch{
}
}
function openName(key){
return `baton.${key}.open`;
}
class Storage{
#memory={};
#name;
constructor(key){
this.#name=`baton.${key}`;
}
get(){
try{
const text=localStorage.getItem(this.#name);
return text?(JSON.parse(text)):this.#memory;
}catch{
return this.#memory;
}
}
set(changes){
this.#memory={...this.get(),...changes};
try{
localStorage.setItem(this.#name,JSON.stringify(this.#memory));
}catch{
}
}
forget(){
this.set({session:undefined,sequence:0,received:0,seen:0,outbox:[]});
}
keepUnsent(message){
this.set({outbox:[...(this.get().outbox??[]),message]});
}
dropUnsent(id){
const outbox=this.get().outbox??[];
if(outbox.some((one)=>one.id===id)){
this.set({outbox:outbox.filter((one)=>one.id!==id)});
}
}
onChange(run){
const listener=(event)=>event.key===this.#name&&run();
addEventListener("storage",listener);
return()=>removeEventListener("storage",listener);
}
}
const ENGLISH={
title:"Chat with us",open:"Open chat",openUnread:"Open chat, unread messages: {n}",
close:"Close chat",log:"Messages",you:"You",ai:"AI agent",live:"Live agent",
connecting:"Finding someone for you…",queued:"Waiting for a live agent",
position:"You are number {n} in line.",wait:"About {n} min to wait.",waitShort:"Less than a minute to wait.",
cancel:"Cancel",cancelling:"Cancelling…",offline:"Reconnecting…",
offlineHint:"Reconnecting… What you write is sent as soon as you are back.",
closed:"This conversation has ended.",closedShort:"Conversation ended",again:"New chat",
end:"End conversation",endAsk:"End this conversation?",endYes:"End it",endNo:"Keep chatting",
joined:"{name} joined the conversation",left:"{name} left the conversation",someone:"The live agent",
failed:"No one could be reached.",timeout:"No one was free in time.",
write:"Write a message…",send:"Send message",typing:"{name} is typing",
tooLong:"The message has {n} characters. The limit is 20,000. Shorten it or send it in parts.",
retry:"Try again",notDelivered:"Not delivered",replies:"Suggested replies",jump:"Newest messages",
sending:"Sending",sent:"Sent",delivered:"Delivered",read:"Read",attachment:"Attachment",
attach:"Attach a file",uploading:"Sending {name}",fileFailed:"{name} could not be sent. Try again.",
fileTooLarge:"{name} has {size}. The limit is {limit}.",fileType:"Files such as {name} are not taken.",
};
const TRANSLATED=["de","ar"];
const RIGHT_TO_LEFT=["ar"];
async function wordsFor(locale){
const wanted=locale.replace("_","-");
const language=wanted.toLowerCase().split("-")[0];
const isTranslated=TRANSLATED.includes(language);
const { words } = isTranslated ? await import(`./words/${language}.js`) : { words: ENGLISH };
const locales=isTranslated||language==="en"?wanted:"en";
return{
locale:locales,
dir:RIGHT_TO_LEFT.includes(language)?"rtl":"ltr",
size:(bytes)=>fileSize(bytes,locales),
say: (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => `${values[name]}`),
};
}
function fileSize(bytes,locale){
const power=bytes<1024?0:bytes<1024 ** 2?1:2;
const unit=["byte","kilobyte","megabyte"][power];
const size = Math.ceil((bytes / 1024 ** power) * 100) / 100;
return new Intl.NumberFormat(locale,{style:"unit",unit}).format(size);
}
const MOST_ATTEMPTS=6;
export async function start(options,page,waiting){
const api=new Api(options);
const storage=new Storage(options.key);
try{
const [settings,style]=await Promise.all([admit(api,storage),styleSheet()]);
const locale=options.locale||settings.locale||navigator.language;
const setup={options,settings,locale,words:await wordsFor(locale),style};
Object.assign(page,new App(setup,api,storage).pageApi());
}catch(error){
console.error(cure(options,error));
return;
}
page.onReady=(ready)=>ready(page);
waiting.splice(0).forEach(page.onReady);
}
async function admit(api,storage){
for(let attempt=1;;attempt++){
try{
return await admitOnce(api,storage);
}catch(error){
const isLast=attempt>=MOST_ATTEMPTS&&!storage.get().session;
if(isLast||isRefusal(error,400,401))throw error;
const wait=1000 * Math.min(LONGEST_WAIT_SECONDS,2 ** attempt);
await new Promise((resume)=>setTimeout(resume,wait));
}
}
}
async function admitOnce(api,storage){
const answer=await tokenRenewed(api,storage);
if(answer.isStrange){
storage.forget();
tokenKept(storage,answer);
}
return answer.widget??{};
}
async function styleSheet(){
const answer=await fetch(new URL("styles.css",import.meta.url));
return new CSSStyleSheet().replace(await answer.text());
}
function cure({portal,key},error){
return isRefusal(error,400,401)
?`Chat widget: ${portal} refused the key "${key}" on ${location.origin}. ` +
"Copy the tag again from the portal, and add this origin to the channel's allowed pages."
:`Chat widget: ${portal} could not be reached from ${location.origin}. ` +
"Check that the portal is running and that the channel allows this origin.";
}
