var b=`
.prelude { flex: 1; min-height: 0; overflow-y: auto; padding: 20px 16px; }
.prelude .form { max-width: none; background: none; padding: 0; box-shadow: none; border: 0; }
.prelude .consent { margin-block: 4px 16px; font-size: 14px; line-height: 1.5; }
.prelude .consent p { margin: 0 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
.prelude .consent ul { margin: 0; padding-inline-start: 20px; }
.prelude .consent a { color: var(--link); display: inline-block; padding-block: 4px; }
.prelude .agree { width: 100%; border-radius: 22px; background: var(--fill); color: var(--on); font-weight: 600; padding: 10px 16px; justify-content: center; text-align: center; }
.prelude .no { width: 100%; margin-block-start: 4px; border-radius: 22px; color: var(--link); font-weight: 600; }
.prelude .refusal { padding: 8px 0 0; }
@media (forced-colors: active) { .prelude .agree, .prelude .no { border: 1px solid; } }
`,c=class{constructor({consent:e,fields:t=[]},r,{h:n,link:a,FormView:i},{go:u,stay:g},d){let s=new CSSStyleSheet;s.replaceSync(b),d.adoptedStyleSheets=[...d.adoptedStyleSheets,s];let f=e&&{consent:{version:e.version}},x=r.say(e?"agree":"startChat"),p=new i({payload:"",title:"",fields:t},r,(y,h)=>u({...f,form:h}),x),o=p.element.querySelector(".submit");o.className="agree",o.dataset.testid="agree",e&&o.before(m(e,n,a)),e&&o.after(n("button",{type:"button",class:"no","data-testid":"disagree",onclick:g},r.say("disagree"))),this.element=n("div",{class:"prelude","data-testid":"before"},p.element),this.focus=()=>(this.element.querySelector("input, select")??o).focus()}};function m({text:l,links:e=[]},t,r){let n=e.map(({label:a,url:i})=>t("li",{},r(i,a)??a));return t("div",{class:"consent",dir:"auto"},t("p",{},l),t("ul",{},...n))}export{c as BeforeView};
